#include "cli/app.hpp"
#include "cli/standard_streams.hpp"

int main(int argc, char** argv) {
  qtrap::cli::prepare_standard_streams();
  return qtrap::cli::run({argv, argv + argc});
}
