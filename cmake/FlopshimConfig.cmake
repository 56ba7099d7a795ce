# SPDX-License-Identifier: BSD-3-Clause
# FlopshimConfig.cmake - what find_package(Flopshim) reads. It must never hold anything but the module.
include("${CMAKE_CURRENT_LIST_DIR}/Flopshim.cmake")
