// Boards: what a device of another maker answers to clGetDeviceInfo, read from a text file of `key = value` lines.
//   # comment            include FILE       (relative to the file that includes)
//   device               starts the next device (the first needs no such line); later keys replace earlier ones
//   name = Some Board    keys as in the table of board.cpp; `platform.…` keys belong to the platform
//   cache_bytes = error -30      that query fails with this code
// What no line names is answered by the real device.
#pragma once

#include <CL/cl.h>

#include <map>
#include <string>
#include <vector>

namespace qtrap::layer {

/// The answer to one query: an error, or its bytes.
struct Answer {
  cl_int error = CL_SUCCESS;
  std::vector<unsigned char> bytes;
};

using Answers = std::map<cl_uint, Answer>;

struct Boards {
  Answers platform;
  std::vector<Answers> devices;
};

/// Reads a board file. Throws std::runtime_error with file, line and what is wrong with it.
Boards read_boards(const std::string& path);

/// Gives `answer` the way clGet…Info does: size, value or the error.
cl_int give(const Answer& answer, size_t size, void* value, size_t* size_returned);

}  // namespace qtrap::layer
