// A hostile environment for writers and parsers: decimal comma, grouped thousands, a zone away from UTC.
#pragma once

#include <clocale>
#include <cstdlib>
#include <ctime>
#include <locale>
#include <string>

namespace qtrap::test {

/// Decimal comma and grouping of thousands, in C++ streams and whatever asks the global locale.
class CommaNumbers : public std::numpunct<char> {
 protected:
  char do_decimal_point() const override { return ','; }
  char do_thousands_sep() const override { return '.'; }
  std::string do_grouping() const override { return "\3"; }
};

/// While it lives: the global C++ locale has a decimal comma, the C locale too where de_DE is installed, and the zone
/// is UTC+5:45.
class LocaleGuard {
 public:
  LocaleGuard() : before_(std::locale::global(std::locale(std::locale::classic(), new CommaNumbers))) {
    has_c_locale_ = std::setlocale(LC_ALL, "de_DE.UTF-8") != nullptr;
    ::setenv("TZ", "Asia/Kathmandu", 1);
    ::tzset();
  }
  LocaleGuard(const LocaleGuard&) = delete;
  LocaleGuard& operator=(const LocaleGuard&) = delete;
  ~LocaleGuard() {
    std::locale::global(before_);
    std::setlocale(LC_ALL, "C");
    ::unsetenv("TZ");
    ::tzset();
  }

  /// Whether the C library formats with a comma too.
  bool has_c_locale() const { return has_c_locale_; }

 private:
  std::locale before_;
  bool has_c_locale_ = false;
};

}  // namespace qtrap::test
