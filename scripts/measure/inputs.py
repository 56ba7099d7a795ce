# SPDX-License-Identifier: BSD-3-Clause
"""Prepares the arrays of routines that need more than random numbers: factors, permutations, triangles, bands.

A preparation is for the families whose name, without its type letter and in the real spelling, matches one of its regular
expressions: orgqr stands for ungqr too, sytrd for hetrd, spmv for hpmv, sbev for hbev. The arrays are filled with random
normal numbers first; then all preparations that match run, in the order of this file. A preparation must never count: it
calls other routines in this process, which is not measured.
"""

import re

from .calls import Rejected

PREPARATIONS = []


def prepares(*families):
    def remember(function):
        PREPARATIONS.append((re.compile("|".join(families)), function))
        return function
    return remember


REAL_PREFIX = {"un": "or", "up": "op", "he": "sy", "hp": "sp", "hb": "sb"}


def real_spelling(stem):
    """Returns the real spelling of a family: ungqr -> orgqr, hetrd -> sytrd, hpmv -> spmv, hbev -> sbev."""
    return re.sub(r"^(un|up|he|hp|hb)", lambda prefix: REAL_PREFIX[prefix[1]], stem)


def prepare(call):
    call.fill()
    stem = real_spelling(call.routine.family)
    call.hermitian = call.complex and stem != call.routine.family and stem[0] == "s"
    for pattern, function in PREPARATIONS:
        if pattern.fullmatch(stem):
            function(call)


def symmetric(call, suffix, storage="y"):
    """Returns the name of a routine for symmetric or for Hermitian matrices, as this call's family is for."""
    if not call.complex:
        return "s" + storage + suffix
    hermitian = {"y": "he", "p": "hp", "b": "hb"}
    return (hermitian[storage] if call.hermitian or suffix.startswith(("gst", "ev", "trd")) else "s" + storage) + suffix


# Symmetric, Hermitian and positive definite matrices

@prepares(r"sy(mm|mv|r|r2|rk|r2k)", r"sy(ev|gs|gv|trd|tf|trf|tr|ri|rf|con|sv|td|eq|sw|conv).*", r"la(nsy|qsy|nhe).*")
def _(c):
    for name in "ac":
        if c.has(name) and getattr(c, "hermitian", False):
            c.real_diagonal(name, c.values.get("n", c.order))


@prepares(r"po.*", r"[dz][sc]posv", r"laqsy|laqhe")
def _(c):
    c.strong_diagonal("a", 2.0 * c["n"])


@prepares(r"pst(rf|f2)")
def _(c):
    c.real_diagonal("a", value=2.0 * c["n"])
    c.real_vector("tol", [-1.0]) if "tol" in c.arrays else c.values.update(tol=-1.0)


@prepares(r"pp.*", r"laqsp|laqhp")
def _(c):
    c.strong_packed_diagonal("ap", 2.0 * c["n"])


@prepares(r"pb.*", r"laqsb|laqhb")
def _(c):
    c.strong_diagonal("ab", 4.0 * (c["kd"] + 1), row=c["kd"] if c["uplo"] == "U" else 0)


@prepares(r"pt(?!eqr).*")
def _(c):
    c.real_vector("d", [8.0] * c["n"])


@prepares(r"sy(gst|gs2|gv|gvd|gvx|gv_2stage)")
def _(c):
    c.real_diagonal("b", value=2.0 * c["n"])


@prepares(r"sp(gst|gv|gvd|gvx)")
def _(c):
    c.packed_diagonal("bp", value=2.0 * c["n"])


@prepares(r"sb(gst|gv|gvd|gvx)")
def _(c):
    c.real_diagonal("bb", value=4.0 * (c["kb"] + 1), row=c["kb"] if c["uplo"] == "U" else 0)


@prepares(r"sp(ev|gst|gv|trd|tr|ri|con|sv|rf).*", r"sp(mv|r|r2)")
def _(c):
    if c.hermitian:
        c.packed_diagonal("ap")


@prepares(r"sb(ev|gst|gv|trd).*")
def _(c):
    if c.hermitian:
        width = c["kd"] if c.has("kd") else c["ka"]
        c.real_diagonal("ab", row=width if c["uplo"] == "U" else 0)


# Triangular matrices: they get a strong diagonal, so that solutions do not overflow

@prepares(r"tr(s[mv]|tri|trs|con|ti2|rfs)", r"tr[mv]m?")
def _(c):
    n = c.values.get("n", 0) if not c.has("side") else (c["m"] if c["side"] == "L" else c["n"])
    c.strong_diagonal("a", 2.0 * n, n)


@prepares(r"tp(sv|tri|trs|con|rfs)")
def _(c):
    c.strong_packed_diagonal("ap", 2.0 * c["n"])


@prepares(r"tb(sv|trs|con|rfs)")
def _(c):
    name, width = ("ab", c["kd"]) if c.has("kd") else ("a", c["k"])
    c.strong_diagonal(name, 2.0 * (width + 1), row=width if c["uplo"] == "U" else 0)


# Routines that take a factorisation: it is computed first

@prepares(r"get(rs|ri)", "gecon")
def _(c):
    c.run("getrf", m=c["n"])


@prepares(r"gerfs|gesvx")
def _(c):
    if c.values.get("fact", "F") == "F":
        c.copy("a", "af")
        c.run("getrf", m=c["n"], a="af")
        c.copy("b", "x")
        c.run("getrs", a="af", b="x")


@prepares(r"gb(sv|trf|tf2)")
def _(c):
    if c.data.get("pivoting") == "no":
        n = c["n"]
        c.real_diagonal("ab", n, value=4.0 * (c["kl"] + c["ku"] + 1), row=c["kl"] + c["ku"])


@prepares(r"gb(trs|con)")
def _(c):
    if c.data.get("pivoting") == "no":
        c.real_diagonal("ab", value=4.0 * (c["kl"] + c["ku"] + 1), row=c["kl"] + c["ku"])
    c.run("gbtrf", m=c["n"])


@prepares(r"gbrfs|gbsvx")
def _(c):
    if c.values.get("fact", "F") == "F":
        source, target, step = c.arrays["ab"], c.arrays["afb"], c.order * c.arrays["ab"].parts
        for column in range(c["n"]):
            start, end = column * step, column * step + (c["kl"] + c["ku"] + 1) * source.parts
            offset = c["kl"] * source.parts
            target.reals[start + offset:end + offset] = source.reals[start:end]
        target.filled = target.size
        c.run("gbtrf", m=c["n"], ab="afb")
        c.copy("b", "x")
        c.run("gbtrs", ab="afb", b="x")


@prepares(r"gt(?!sqr).*")
def _(c):
    if c.data.get("pivoting") == "no":
        for index in range(c["n"]):
            c.arrays["d"].set(index, 8.0)


@prepares(r"gt(trs|ts2|con)")
def _(c):
    c.run("gttrf")


@prepares(r"gtrfs|gtsvx")
def _(c):
    if c.values.get("fact", "F") == "F":
        for name in ("dl", "d", "du"):
            c.copy(name, name + "f")
        c.run("gttrf", dl="dlf", d="df", du="duf")
        c.copy("b", "x")
        c.run("gttrs", dl="dlf", d="df", du="duf", b="x")


@prepares(r"po(trs|tri|con)")
def _(c):
    c.run("potrf")


@prepares(r"porfs|posvx")
def _(c):
    if c.values.get("fact", "F") == "F":
        c.copy("a", "af")
        c.run("potrf", a="af")
        c.copy("b", "x")
        c.run("potrs", a="af", b="x")


@prepares(r"pp(trs|tri|con)")
def _(c):
    c.run("pptrf")


@prepares(r"pprfs|ppsvx")
def _(c):
    if c.values.get("fact", "F") == "F":
        c.copy("ap", "afp")
        c.run("pptrf", ap="afp")
        c.copy("b", "x")
        c.run("pptrs", ap="afp", b="x")


@prepares(r"pb(trs|con)")
def _(c):
    c.run("pbtrf")


@prepares(r"pbrfs|pbsvx")
def _(c):
    if c.values.get("fact", "F") == "F":
        c.copy("ab", "afb")
        c.run("pbtrf", ab="afb")
        c.copy("b", "x")
        c.run("pbtrs", ab="afb", b="x")


@prepares(r"pt(trs|ts2|con)")
def _(c):
    c.run("pttrf")


@prepares(r"ptrfs|ptsvx")
def _(c):
    if c.values.get("fact", "F") == "F":
        c.copy("d", "df")
        c.copy("e", "ef")
        c.run("pttrf", d="df", e="ef")
        c.copy("b", "x")
        c.run("pttrs", d="df", e="ef", b="x")


@prepares(r"sy(trs|trs2|tri|tri2|tri2x|con|trs_rook|tri_rook|con_rook|trs_aa|trs_3|tri_3|con_3|trs_aa_2stage)")
def _(c):
    stem = real_spelling(c.routine.family)
    variant = re.search(r"_\w+$", stem)
    variant = {"_3": "_rk"}.get(variant.group(), variant.group()) if variant else ""
    c.run(symmetric(c, "trf" + variant))


@prepares(r"sy(rfs|svx)")
def _(c):
    if c.values.get("fact", "F") == "F":
        c.copy("a", "af")
        c.run(symmetric(c, "trf"), a="af")
        c.copy("b", "x")
        c.run(symmetric(c, "trs"), a="af", b="x")


@prepares(r"sp(trs|tri|con)")
def _(c):
    c.run(symmetric(c, "trf", "p"))


@prepares(r"sp(rfs|svx)")
def _(c):
    if c.values.get("fact", "F") == "F":
        c.copy("ap", "afp")
        c.run(symmetric(c, "trf", "p"), ap="afp")
        c.copy("b", "x")
        c.run(symmetric(c, "trs", "p"), ap="afp", b="x")


@prepares(r"sy(gst|gs2)")
def _(c):
    c.run("potrf", a="b")


@prepares(r"spgst")
def _(c):
    c.run("pptrf", ap="bp")


@prepares(r"sbgst")
def _(c):
    c.run("pbstf", kd=c["kb"], ab="bb")


# Orthogonal factors

@prepares(r"org(qr|2r)")
def _(c):
    c.run("geqrf", n=c["k"])


@prepares(r"ge(qr|lq)s")
def _(c):
    c.run(c.routine.family[:-1] + "f")


@prepares(r"laqp[23]rk")
def _(c):
    """Sets the norms of the columns, and the first pivot."""
    m, parts, reals = c["m"], c.arrays["a"].parts, c.arrays["a"].reals
    columns = [reals[c.at("a", 0, j) * parts:c.at("a", m, j) * parts] for j in range(c["n"])]
    norms = [sum(x * x for x in column) ** 0.5 for column in columns]
    for name in ("vn1", "vn2"):
        c.real_vector(name, norms)
    c.arrays["kp1"].set_integers([1 + norms.index(max(norms))])
    c.arrays["jpiv"].set_integers(range(1, c["n"] + 1))


@prepares(r"gedmdq?")
def _(c):
    c.real_vector("tol", [1e-12])


@prepares(r"org(lq|l2)")
def _(c):
    c.run("gelqf", m=c["k"])


@prepares(r"org(ql|2l)")
def _(c):
    c.run("geqlf", n=c["k"], a=c.part("a", 0, c["n"] - c["k"]))


@prepares(r"org(rq|r2)")
def _(c):
    c.run("gerqf", m=c["k"], a=c.part("a", c["m"] - c["k"], 0))


@prepares(r"orm(qr|2r|ql|2l|lq|l2|rq|r2)")
def _(c):
    length = c["m"] if c["side"] == "L" else c["n"]
    kind = c.routine.family[3:]
    factorisation = "ge" + {"2r": "qr", "2l": "ql", "l2": "lq", "r2": "rq"}.get(kind, kind) + "f"
    if factorisation in ("geqrf", "geqlf"):
        c.run(factorisation, m=length, n=c["k"])
    else:
        c.run(factorisation, m=c["k"], n=length)


@prepares(r"orm(rz|r3)")
def _(c):
    length = c["m"] if c["side"] == "L" else c["n"]
    c.run("tzrzf", m=c["k"], n=length)


@prepares(r"orgtr|ormtr")
def _(c):
    c.hermitian = c.complex
    n = c["n"] if not c.has("side") else (c["m"] if c["side"] == "L" else c["n"])
    c.run(symmetric(c, "trd"), n=n, d=c.array(), e=c.array())


@prepares(r"orghr|ormhr")
def _(c):
    n = c["n"] if not c.has("side") else (c["m"] if c["side"] == "L" else c["n"])
    c.run("gehrd", n=n)


@prepares(r"orgbr")
def _(c):
    rows, columns = (c["m"], c["k"]) if c["vect"] == "Q" else (c["k"], c["n"])
    c.run("gebrd", m=rows, n=columns, d=c.array(), e=c.array(),
          tauq="tau" if c["vect"] == "Q" else c.array(), taup="tau" if c["vect"] == "P" else c.array())


@prepares(r"ormbr")
def _(c):
    length = c["m"] if c["side"] == "L" else c["n"]
    rows, columns = (length, c["k"]) if c["vect"] == "Q" else (c["k"], length)
    c.run("gebrd", m=rows, n=columns, d=c.array(), e=c.array(),
          tauq="tau" if c["vect"] == "Q" else c.array(), taup="tau" if c["vect"] == "P" else c.array())


@prepares(r"opgtr|opmtr")
def _(c):
    n = c["n"] if not c.has("side") else (c["m"] if c["side"] == "L" else c["n"])
    c.hermitian = c.complex
    c.run(symmetric(c, "trd", "p"), n=n, d=c.array(), e=c.array())


# Singular values and eigenvalues

@prepares(r"bdsqr|bdsdc|bdsvdx|lalsd|lasdq|lasd0|lasda")
def _(c):
    n = c["n"]
    if n == 0:
        return
    a = c.array()
    c.session.random(a, (n + 1) * c.order)
    c.run("gebrd", m=n, n=n + c.values.get("sqre", 0), a=a, lda=c.order, tauq=c.array(), taup=c.array())


@prepares(r"la(ed0|rrr|rre|rrd|rrc|rrk)|steqr|sterf|stedc|stemr|stegr|stebz|stein|stev.*|pteqr")
def _(c):
    a = c.array()
    c.session.random(a, c["n"] * c.order)
    c.hermitian = c.complex
    d, e = (c.arrays[name] if c.has(name) else c.array() for name in "de")
    c.run(symmetric(c, "trd"), uplo="L", n=c["n"], a=a, lda=c.order, tau=c.array(), d=d, e=e)
    if not c.has("e"):
        c.copy_reals(e, "e2")


@prepares(r"hseqr|lahqr|laqr[04]")
def _(c):
    n, tau = c["n"], c.array()
    c.run("gehrd", a="h", lda=c.order, tau=tau, ilo=c["ilo"], ihi=c["ihi"])
    if c.values.get("compz", "V" if c.values.get("wantz") == "T" else "N") == "V":
        c.copy("h", "z")
        c.run("orghr", a="z", lda=c.order, tau=tau)
    clear_below(c, "h", 1, n)


@prepares(r"hsein")
def _(c):
    n, copy = c["n"], c.array()
    c.run("gehrd", ilo=1, ihi=n, a="h", lda=c.order, tau=c.array())
    clear_below(c, "h", 1, n)
    copy.copy_from(c.arrays["h"])
    c.run("hseqr", job="E", compz="N", ilo=1, ihi=n, h=copy, z=c.array())


@prepares(r"tr(evc|evc3|sna|sen|exc|syl|syl3)|laqtr|laexc")
def _(c):
    for name in ("t", "a", "b") if "syl" in c.name else ("t", "h"):
        if c.has(name):
            schur_form(c, name)


def schur_form(c, name):
    """Replaces a random matrix by its Schur form; with blocks=1x1 by a triangle, which has real eigenvalues only."""
    order = c["m"] if name == "a" and c.has("m") else c["n"]
    array, ld = c.arrays[name], c.order
    if c.data.get("blocks") == "1x1":
        clear_below(c, name, 0, order)
        return
    vectors = c.array()
    c.run("gees", jobvs="V", sort="N", n=order, a=array, lda=ld, vs=vectors, ldvs=ld, w=c.array(), wr=c.array(),
          wi=c.array(), sdim=c.array())
    for target in ("vl", "vr", "q"):
        if target in c.arrays and not (c.values.get("side") == {"vl": "R", "vr": "L"}.get(target)):
            c.arrays[target].copy_from(vectors)


@prepares(r"tg(evc|sen|sna|exc|ex2)")
def _(c):
    a, b = ("s", "p") if "evc" in c.name else ("a", "b")
    generalised_schur_form(c, a, b, c["n"])


@prepares(r"tgsy[l2]")
def _(c):
    generalised_schur_form(c, "a", "d", c["m"])
    generalised_schur_form(c, "b", "e", c["n"])


@prepares(r"tgsen")
def _(c):
    c.values["lwork"] = 4 * c.order ** 2 + 4 * c.order + 17     # its query returns one too few for xTGSYL


def generalised_schur_form(c, a, b, n):
    left, right = c.array(), c.array()
    c.run("gges", jobvsl="V", jobvsr="V", sort="N", n=n, a=a, lda=c.order, b=b, ldb=c.order, sdim=c.array(),
          alphar=c.array(), alphai=c.array(), alpha=c.array(), beta=c.array(), vsl=left, ldvsl=c.order,
          vsr=right, ldvsr=c.order)
    for target, vectors in (("vl", left), ("q", left), ("vr", right), ("z", right)):
        if target in c.arrays and c.leading(target):
            c.arrays[target].copy_from(vectors)
    if "vl" in c.arrays and "sna" in c.name:
        c.run("tgevc", side="B", howmny="B", s=a, lds=c.order, p=b, ldp=c.order, mm=n, m=c.array())


@prepares(r"trsna")
def _(c):
    c.run("trevc", side="B", howmny="B", mm=c["n"], m=c.array())


@prepares(r"trevc3?|trsna|trsen|hsein|tgevc|tgsen|tgsna")
def _(c):
    if "select" not in c.arrays:
        return
    n, chosen = c["n"], c.data.get("selected", c["n"])
    if chosen == "half":
        c.arrays["select"].set_integers(random_half(c, n))
    else:
        c.arrays["select"].set_integers([1] * int(chosen))


def random_half(c, n):
    """Selects each eigenvalue with probability 1/2; a complex conjugate pair is selected together."""
    matrix = next(name for name in "tahs" if name in c.arrays and c.leading(name))
    numbers = c.array()
    c.session.random(numbers, n, distribution=1)
    half = []
    for i in range(n):
        second = not c.complex and i > 0 and c.arrays[matrix].get(c.at(matrix, i, i - 1)) != 0
        half.append(half[-1] if second else int(numbers.get(i) < 0.5))
    return half


def clear_below(c, name, diagonals, n):
    """Sets all elements below the diagonal and the given number of subdiagonals to zero."""
    rows = n - 1 - diagonals
    if rows > 0:
        c.run("laset", uplo="L", m=rows, n=rows, alpha=0.0, beta=0.0, a=c.part(name, 1 + diagonals, 0),
              lda=c.order)


@prepares(r"gghrd|gghd3")
def _(c):
    triangular_factor(c, "b", c["n"])


def triangular_factor(c, name, n):
    """Replaces a random matrix by the R of its QR factorisation, since a random triangle would be nearly singular."""
    c.run("geqrf", m=n, n=n, a=name, lda=c.order, tau=c.array())
    clear_below(c, name, 0, n)


@prepares(r"hgeqz|laqz0")
def _(c):
    n = c["n"]
    a, b = ("h", "t") if c.has("h") else ("a", "b")
    q, z = c.arrays["q"], c.arrays["z"]
    triangular_factor(c, b, n)
    c.run("gghrd", compq="I", compz="I", ilo=1, ihi=n, a=a, lda=c.order, b=b, ldb=c.order, q=q, z=z)


@prepares(r"larr[dekr]")
def _(c):
    """Sets the squares of E, and the Gerschgorin intervals."""
    n = c["n"]
    d, e = list(c.arrays["d"].reals[:n]), list(c.arrays["e" if c.has("e") else "e2"].reals[:n])
    radius = [abs(e[i]) * (i < n - 1) + abs(e[i - 1]) * (i > 0) for i in range(n)]
    low, high = [x - r for x, r in zip(d, radius)], [x + r for x, r in zip(d, radius)]
    if "e2" in c.arrays:
        c.real_vector("e2", [x * x for x in e])
    if "gers" in c.arrays:
        c.real_vector("gers", [x for pair in zip(low, high) for x in pair])
    if "gl" in c.values:
        c.values.update(gl=min(low), gu=max(high))
    if "isplit" in c.arrays:
        c.arrays["isplit"].set_integers([n])


@prepares(r"stein")
def _(c):
    n = c["n"]
    c.values["m"] = min(c.values.get("m", n), n)
    c.run("stebz", range="A", order="B", abstol=0.0, m=c.array(), nsplit=c.array(), w="w")


@prepares(r"pteqr")
def _(c):
    shift = 4.0 * c["n"] ** 0.5
    c.real_vector("d", [element + shift for element in c.arrays["d"].reals[:c["n"]]])


@prepares(r"lasq[12]")
def _(c):
    elements = 4 * c["n"] if c.has("z") else c["n"]
    for name in ("z", "d", "e"):
        if c.has(name):
            c.session.random(c.arrays[name], elements, 1)


@prepares(r"lar1v")
def _(c):
    """Sets L D L^T of a tridiagonal matrix, shifted so that its spectrum is positive, and one of its eigenvalues."""
    n, d, e, values, rest = c["n"], c.array(), c.array(), c.array(), c.array()
    a = c.array()
    c.session.random(a, n * c.order)
    c.hermitian = c.complex
    c.run(symmetric(c, "trd"), uplo="L", a=a, lda=c.order, tau=c.array(), d=d, e=e)
    values.copy_from(d)
    rest.copy_from(e)
    c.run("sterf", d=values, e=rest)
    shift = values.reals[0] - 1.0
    pivots, factors = [d.reals[0] - shift], []
    for i in range(n - 1):
        factors.append(e.reals[i] / pivots[i])
        pivots.append(d.reals[i + 1] - shift - factors[i] * e.reals[i])
    c.real_vector("d", pivots)
    c.real_vector("l", factors)
    c.real_vector("ld", [x * y for x, y in zip(factors, pivots)])
    c.real_vector("lld", [x * x * y for x, y in zip(factors, pivots)])
    c.values["lambda"] = values.reals[n // 2] - shift


@prepares(r"la(ed|sd)[45]")
def _(c):
    n = c.values.get("n", 2)
    c.real_vector("d", [1.0 + index for index in range(n)])
    c.real_vector("z", [n ** -0.5] * n)


# Generalised and partitioned problems

@prepares(r"tgsja")
def _(c):
    k, l = c.array(), c.array()
    c.run("ggsvp3", jobu="U", jobv="V", jobq="Q", tola=1e-12, tolb=1e-12, k=k, l=l, tau=c.array(),
          u=c.array(), v=c.array(), q=c.array())
    c.values["k"], c.values["l"] = k.integers[0], l.integers[0]


@prepares(r"orbdb[1-6]?|orcsd|orcsd2by1")
def _(c):
    """Fills the blocks with a random orthogonal matrix."""
    if not c.has("x11"):
        return
    m, p, q = c["m"], c["p"], c["q"]
    whole, tau, order = c.array(), c.array(), c.order
    c.session.random(whole, order * m)
    c.run("geqrf", m=m, n=m, a=whole, lda=order, tau=tau)
    c.run("orgqr", m=m, n=m, k=m, a=whole, lda=order, tau=tau)
    for name, row, column, rows, columns in (("x11", 0, 0, p, q), ("x12", 0, q, p, m - q),
                                             ("x21", p, 0, m - p, q), ("x22", p, q, m - p, m - q)):
        if c.has(name):
            c.run("lacpy", uplo="A", m=rows, n=columns, a=whole.part((row + column * order) * whole.element_bytes),
                  lda=order, b=name, ldb=order)


@prepares(r"bbcsd")
def _(c):
    for name in ("theta", "phi"):
        c.session.random(c.arrays[name], c["m"], 1)
        reals = c.arrays[name].reals
        for index in range(c["m"]):
            reals[index] = 0.1 + 1.3 * reals[index]


@prepares(r"gemqr|gemlq")
def _(c):
    length = c["m"] if c["side"] == "L" else c["n"]
    rows, columns = (length, c["k"]) if c.name.endswith("qr") else (c["k"], length)
    c.run("geqr" if c.name.endswith("qr") else "gelq", m=rows, n=columns)


# RFP storage

@prepares(r"pf(trf|tri|trs)")
def _(c):
    n, full = c["n"], c.array()
    name = "a" if c.has("a") else "arf"
    c.session.random(full, c.order * n)
    for index in range(n):
        full.set(index * (c.order + 1), 2.0 * n)
    c.run("trttf", a=full, lda=c.order, arf=name)
    if c.name.endswith(("tri", "trs")):
        c.run("pftrf", a=name)


@prepares(r"tf(tri|sm)")
def _(c):
    n, full = c.values["n"], c.array()
    if c.has("side"):
        n = c["m"] if c["side"] == "L" else c["n"]
    c.session.random(full, c.order * n)
    for index in range(n):
        full.set(index * (c.order + 1), 2.0 * n)
    c.run("trttf", n=n, a=full, lda=c.order, arf="a")


# Small things

@prepares(r"rotm")
def _(c):
    c.arrays["param"].set(0, float(c.data.get("flag", -1)))


@prepares(r"rotmg")
def _(c):
    for name, value in (("d1", 1.3), ("d2", 0.8), ("x1", 0.9)):
        c.arrays[name].set(0, value)


@prepares(r"laswp|lapm[tr]")
def _(c):
    c.arrays["ipiv" if c.has("ipiv") else "k"].set_integers(range(1, c.order + 1))


@prepares(r"latdf")
def _(c):
    most = 2 if c.complex else 8        # MAXDIM, the length of xLATDF's local arrays
    if c["n"] > most:
        raise Rejected(f"{c.name}: n is at most {most}")


@prepares(r"syconv.*|syswapr|geswapr|latdf|gesc2|tgsy2")
def _(c):
    for name in ("ipiv", "jpiv"):
        if c.has(name):
            c.arrays[name].set_integers(range(1, c.order + 1))


@prepares(r"lassq")
def _(c):
    for name in ("scl", "scale", "sumsq"):
        if name in c.arrays:
            c.real_vector(name, [1.0])


@prepares(r"gsvj[01]")
def _(c):
    """Sets the norms of the columns, and scales of 1."""
    m, n = c["m"], c["n"]
    a, parts = c.arrays["a"], c.arrays["a"].parts
    columns = ([a.reals[i] for i in range(c.at("a", 0, j) * parts, c.at("a", m, j) * parts)] for j in range(n))
    c.real_vector("sva", [sum(x * x for x in column) ** 0.5 for column in columns])
    for j in range(n):
        c.arrays["d"].set(j, 1.0)
