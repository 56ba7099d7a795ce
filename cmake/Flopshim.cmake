# SPDX-License-Identifier: BSD-3-Clause
#
# Flopshim.cmake - flopshim_add_test: a test of CTest that runs a program and compares its work with a lockfile.
# It must never let a test pass whose program failed, or whose work was not compared.
#
#     find_package(flopshim REQUIRED)        # or include() this file
#     flopshim_add_test(NAME name COMMAND program [argument ...] LOCK file
#                       [CHECK_OPTIONS option ...] [WORKING_DIRECTORY directory])
#
# COMMAND is as that of add_test: a program or a target, which may be defined later, and arguments, which the program gets as they
# are. LOCK is relative to the folder of the CMakeLists.txt. CHECK_OPTIONS are options of `flopshim-report check`, such as --exact
# or --junit FILE.
#
# The test runs the program under `flopshim --for-check`, and then `flopshim-report check --lock`. It fails if the program does,
# with that program's status, or else if the check does. With FLOPS_UPDATE=1 in its environment it writes the lock:
#
#     FLOPS_UPDATE=1 ctest -R name
#
# Dumps go to the folder Testing/flopshim/name of the build, which is emptied before. A name that is no plain name of a folder has
# other characters replaced there, and a checksum at its end.

cmake_minimum_required(VERSION 3.18...3.25)

# find_package has found them beside this file already.
find_program(FLOPSHIM_LAUNCHER flopshim)
find_program(FLOPSHIM_REPORT flopshim-report)
set(FLOPSHIM_TEST_SCRIPT "${CMAKE_CURRENT_LIST_DIR}/flopshim-test")

# Appends words to a text of CMake code, as bracket arguments. A list would lose empty words, and split others at semicolons.
function(_flopshim_append code)
	set(result "${${code}}")
	math(EXPR last "${ARGC} - 1")
	foreach(i RANGE 1 ${last})
		set(word "${ARGV${i}}")
		set(marks "=")
		string(LENGTH "${word}" length)
		string(FIND "${word}]${marks}]" "]${marks}]" end)
		while(NOT end EQUAL length)
			string(APPEND marks "=")
			string(FIND "${word}]${marks}]" "]${marks}]" end)
		endwhile()
		string(APPEND result " [${marks}[\n${word}]${marks}]")
	endforeach()
	set(${code} "${result}" PARENT_SCOPE)
endfunction()

# Sets a variable to what add_test is to have for a program: if it is a target when CMake generates, the file of that.
function(_flopshim_program variable program)
	if("${program}" MATCHES "^[A-Za-z0-9_.:+-]+$") # a name that a target may have
		set(program "$<$<TARGET_EXISTS:${program}>:$<TARGET_FILE:${program}>>$<$<NOT:$<TARGET_EXISTS:${program}>>:${program}>")
	endif()
	set(${variable} "${program}" PARENT_SCOPE)
endfunction()

# Sets a variable to the name of a test's folder, in which the folder of no other test lies.
function(_flopshim_folder variable name)
	string(REGEX REPLACE "[^A-Za-z0-9_.+-]" "_" folder "${name}")
	string(LENGTH "${folder}" length)
	if(NOT "${folder}" STREQUAL "${name}" OR "${folder}" MATCHES "^\\." OR length GREATER 100)
		string(SUBSTRING "${folder}" 0 100 folder)
		string(SHA256 checksum "${name}")
		string(SUBSTRING "${checksum}" 0 16 checksum)
		set(folder "_${folder}-${checksum}")
	endif()
	set(${variable} "${CMAKE_CURRENT_BINARY_DIR}/Testing/flopshim/${folder}" PARENT_SCOPE)
endfunction()

function(flopshim_add_test)
	set(one NAME LOCK WORKING_DIRECTORY)
	set(several COMMAND CHECK_OPTIONS)
	foreach(name COMMAND ${one})
		set(arg_${name} "")
	endforeach()
	set(key "")
	set(command "") # CMake code, as is `options`
	set(options "")
	set(index 0)
	while(index LESS ARGC)
		set(word "${ARGV${index}}")
		math(EXPR index "${index} + 1")
		if("${word}" IN_LIST one OR "${word}" IN_LIST several)
			set(key "${word}")
		elseif("${key}" STREQUAL "COMMAND" AND "${arg_COMMAND}" STREQUAL "")
			set(arg_COMMAND "${word}")
			_flopshim_program(word "${word}")
			_flopshim_append(command "${word}")
		elseif("${key}" STREQUAL "COMMAND")
			_flopshim_append(command "${word}")
		elseif("${key}" STREQUAL "CHECK_OPTIONS")
			_flopshim_append(options "${word}")
		elseif("${key}" IN_LIST one AND "${arg_${key}}" STREQUAL "")
			set(arg_${key} "${word}")
		else()
			message(FATAL_ERROR "flopshim_add_test: there is no argument ${word}")
		endif()
	endwhile()
	foreach(needed NAME COMMAND LOCK)
		if("${arg_${needed}}" STREQUAL "")
			message(FATAL_ERROR "flopshim_add_test: expected NAME name, COMMAND program and LOCK file; there is no ${needed}")
		endif()
	endforeach()
	foreach(program FLOPSHIM_LAUNCHER FLOPSHIM_REPORT)
		if(NOT ${program})
			message(FATAL_ERROR "flopshim_add_test: flopshim is not installed in the path; set ${program} to its program")
		endif()
	endforeach()
	get_filename_component(lock "${arg_LOCK}" ABSOLUTE BASE_DIR "${CMAKE_CURRENT_SOURCE_DIR}")
	if("${arg_WORKING_DIRECTORY}" STREQUAL "")
		set(arg_WORKING_DIRECTORY "${CMAKE_CURRENT_BINARY_DIR}")
	endif()
	_flopshim_folder(folder "${arg_NAME}")
	set(head "")
	_flopshim_append(head NAME "${arg_NAME}" WORKING_DIRECTORY "${arg_WORKING_DIRECTORY}"
		COMMAND sh "${FLOPSHIM_TEST_SCRIPT}" "${FLOPSHIM_LAUNCHER}" "${FLOPSHIM_REPORT}" "${folder}" "${lock}")
	cmake_language(EVAL CODE "add_test(${head}${options} --${command})")
endfunction()
