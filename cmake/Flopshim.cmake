# SPDX-License-Identifier: BSD-3-Clause
#
# Flopshim.cmake - flopshim_add_test: a test of CTest that runs a program and compares its work with a lockfile.
# It must never let a test pass whose program failed, or whose work was not compared.
#
#     find_package(Flopshim REQUIRED)        # or include() this file
#     flopshim_add_test(NAME name COMMAND program [argument ...] LOCK file
#                       [CHECK_OPTIONS option ...] [WORKING_DIRECTORY directory])
#
# COMMAND is as that of add_test: a program, or a target that was defined before. LOCK is relative to the folder of the
# CMakeLists.txt. CHECK_OPTIONS are options of `flopshim-report check`, such as --exact or --junit FILE.
#
# The test runs the program under `flopshim --for-check`, and then `flopshim-report check --lock`. It fails if the program does,
# with that program's status, or else if the check does. With FLOPS_UPDATE=1 in its environment it writes the lock:
#
#     FLOPS_UPDATE=1 ctest -R name
#
# Dumps go to the folder flopshim/name of the build, which is emptied before.

cmake_minimum_required(VERSION 3.12)

get_filename_component(_flopshim_prefix "${CMAKE_CURRENT_LIST_DIR}/../../.." ABSOLUTE)
find_program(FLOPSHIM_LAUNCHER flopshim HINTS "${_flopshim_prefix}/bin")
find_program(FLOPSHIM_REPORT flopshim-report HINTS "${_flopshim_prefix}/bin")
set(FLOPSHIM_TEST_SCRIPT "${CMAKE_CURRENT_LIST_DIR}/flopshim-test")

function(flopshim_add_test)
	cmake_parse_arguments(PARSE_ARGV 0 arg "" "NAME;LOCK;WORKING_DIRECTORY" "COMMAND;CHECK_OPTIONS")
	foreach(needed NAME COMMAND LOCK)
		if(NOT arg_${needed})
			message(FATAL_ERROR "flopshim_add_test: expected NAME name, COMMAND program and LOCK file; there is no ${needed}")
		endif()
	endforeach()
	if(arg_UNPARSED_ARGUMENTS)
		message(FATAL_ERROR "flopshim_add_test: there is no argument ${arg_UNPARSED_ARGUMENTS}")
	endif()
	foreach(program FLOPSHIM_LAUNCHER FLOPSHIM_REPORT)
		if(NOT ${program})
			message(FATAL_ERROR "flopshim_add_test: flopshim is not installed in the path; set ${program} to its program")
		endif()
	endforeach()
	list(GET arg_COMMAND 0 program)
	if(TARGET "${program}")
		list(REMOVE_AT arg_COMMAND 0)
		set(arg_COMMAND "$<TARGET_FILE:${program}>" ${arg_COMMAND})
	endif()
	get_filename_component(lock "${arg_LOCK}" ABSOLUTE BASE_DIR "${CMAKE_CURRENT_SOURCE_DIR}")
	if(NOT arg_WORKING_DIRECTORY)
		set(arg_WORKING_DIRECTORY "${CMAKE_CURRENT_BINARY_DIR}")
	endif()
	add_test(NAME "${arg_NAME}" WORKING_DIRECTORY "${arg_WORKING_DIRECTORY}"
		COMMAND sh "${FLOPSHIM_TEST_SCRIPT}" "${FLOPSHIM_LAUNCHER}" "${FLOPSHIM_REPORT}"
			"${CMAKE_CURRENT_BINARY_DIR}/flopshim/${arg_NAME}" "${lock}" ${arg_CHECK_OPTIONS} -- ${arg_COMMAND})
endfunction()
