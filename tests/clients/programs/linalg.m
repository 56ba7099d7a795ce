% SPDX-License-Identifier: BSD-3-Clause
% Runs one operation of Octave, and prints its result to the last bit: octave-cli linalg.m NAME. It must never make
% another call of BLAS.

function a = numbers(m, n)
  % These numbers are the same on every machine, and are made without a matrix product.
  k = mod(reshape(1:m*n, m, n).^2, 1000003);
  a = mod(k.^2 + k, 1000003) / 1000003 - 0.5;
end

function print_result(x)
  printf("%s %s\n", class(x), mat2str(size(x)));
  printf("%s\n", hash("sha256", reshape(num2hex([real(x(:)); imag(x(:))])', 1, [])));
end

switch argv(){end}
  case "multiply"
    print_result(numbers(300, 200) * numbers(200, 400));
  case "gram"
    a = numbers(300, 200);
    print_result(a * a');
  case "divide"
    print_result((numbers(200, 200) + 10 * eye(200)) \ numbers(200, 3));
  case "eig"
    print_result(eig(numbers(100, 100)));
  case "eig_vectors"
    [v, d] = eig(numbers(100, 100));
    print_result(v);
    print_result(diag(d));
  case "svd"
    print_result(svd(numbers(120, 80)));
  otherwise
    error("which operation?");
end
