#include "cli/app.hpp"
#include "program/standard_streams.hpp"

int main(int argc, char** argv) {
  qtrap::program::prepare_standard_streams();
  return qtrap::cli::run({argv, argv + argc});
}
