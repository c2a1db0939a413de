#include "cli/app.hpp"

int main(int argc, char** argv) { return qtrap::cli::run({argv, argv + argc}); }
