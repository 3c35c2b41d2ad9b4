#pragma once
// A point in time as text: C's strftime in the C locale, with glibc's additions.
#include <algorithm>
#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "tfm/text/jinja/template.hpp"

namespace tfm::inline TFM_ABI::jinja {

namespace calendar {
constexpr bool is_leap(int year) { return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0; }
constexpr int days_in(int year, int month) {
  constexpr std::array<int, 12> days{31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  return month == 2 && is_leap(year) ? 29 : days[static_cast<std::size_t>(month - 1)];
}
/// From 0, the first of January.
constexpr int day_of_year(const DateTime& t) {
  int day = t.day - 1;
  for (int month = 1; month < t.month; ++month) day += days_in(t.year, month);
  return day;
}
/// From the first of January of the year 1, a Monday.
constexpr std::int64_t days_before(int year) {
  const std::int64_t y = year - 1;
  return 365 * y + y / 4 - y / 100 + y / 400;
}
/// 0: Sunday
constexpr int week_day(const DateTime& t) { return static_cast<int>((days_before(t.year) + day_of_year(t) + 1) % 7); }
/// ISO 8601's week and the year that it belongs to.
constexpr std::array<int, 2> iso_week(const DateTime& t) {
  const int monday = (week_day(t) + 6) % 7, week = (day_of_year(t) - monday + 10) / 7;
  const auto weeks = [](int year) {
    const auto first = static_cast<int>(days_before(year) % 7);  // 0: Monday
    return first == 3 || (first == 2 && is_leap(year)) ? 53 : 52;
  };
  if (week < 1) return {weeks(t.year - 1), t.year - 1};
  return week > weeks(t.year) ? std::array{1, t.year + 1} : std::array{week, t.year};
}
inline std::string digits(int number, std::size_t width, char fill = '0') {
  std::string out = std::to_string(number);
  if (out.size() < width) out.insert(0, width - out.size(), fill);
  return out;
}
inline constexpr std::array<std::string_view, 7> week_days{"Sunday",   "Monday", "Tuesday", "Wednesday",
                                                           "Thursday", "Friday", "Saturday"};
inline constexpr std::array<std::string_view, 12> months{"January",   "February", "March",    "April",
                                                         "May",       "June",     "July",     "August",
                                                         "September", "October",  "November", "December"};
}  // namespace calendar

/// `format` with its % places filled in; what is no place stays.
inline std::string time_text(const DateTime& t, std::string_view format, char no_padding = '\0') {
  using namespace calendar;
  std::string out;
  const int hour = t.hour % 12 == 0 ? 12 : t.hour % 12;
  for (std::size_t i = 0; i < format.size(); ++i) {
    if (format[i] != '%' || i + 1 == format.size()) {
      out += format[i];
      continue;
    }
    const char flag = format[i + 1];
    if ((flag == '-' || flag == '_' || flag == '0') && i + 2 < format.size() &&
        no_padding == '\0') {  // glibc: how a number is filled up
      std::string number = time_text(t, std::string("%") + format[i + 2], flag);
      const std::size_t zeros = std::min(number.find_first_not_of("0 "), number.size() - (number.empty() ? 0 : 1));
      if (flag == '-') number.erase(0, zeros);
      else std::fill_n(number.begin(), zeros, flag == '_' ? ' ' : '0');
      out += number;
      i += 2;
      continue;
    }
    switch (const char c = format[++i]; c) {
      case 'a': out += week_days[static_cast<std::size_t>(week_day(t))].substr(0, 3); break;
      case 'A': out += week_days[static_cast<std::size_t>(week_day(t))]; break;
      case 'b':
      case 'h': out += months[static_cast<std::size_t>(t.month - 1)].substr(0, 3); break;
      case 'B': out += months[static_cast<std::size_t>(t.month - 1)]; break;
      case 'c': out += time_text(t, "%a %b %e %H:%M:%S %Y"); break;
      case 'C': out += digits(t.year / 100, 2); break;
      case 'd': out += digits(t.day, 2); break;
      case 'D':
      case 'x': out += time_text(t, "%m/%d/%y"); break;
      case 'e': out += digits(t.day, 2, ' '); break;
      case 'f': out += "000000"; break;
      case 'F': out += time_text(t, "%Y-%m-%d"); break;
      case 'g': out += digits(iso_week(t)[1] % 100, 2); break;
      case 'G': out += digits(iso_week(t)[1], 4); break;
      case 'H': out += digits(t.hour, 2); break;
      case 'I': out += digits(hour, 2); break;
      case 'j': out += digits(day_of_year(t) + 1, 3); break;
      case 'k': out += digits(t.hour, 2, ' '); break;
      case 'l': out += digits(hour, 2, ' '); break;
      case 'm': out += digits(t.month, 2); break;
      case 'M': out += digits(t.minute, 2); break;
      case 'n': out += '\n'; break;
      case 'p': out += t.hour < 12 ? "AM" : "PM"; break;
      case 'P': out += t.hour < 12 ? "am" : "pm"; break;
      case 'r': out += time_text(t, "%I:%M:%S %p"); break;
      case 'R': out += time_text(t, "%H:%M"); break;
      case 'S': out += digits(t.second, 2); break;
      case 't': out += '\t'; break;
      case 'T':
      case 'X': out += time_text(t, "%H:%M:%S"); break;
      case 'u': out += digits((week_day(t) + 6) % 7 + 1, 1); break;
      case 'U': out += digits((day_of_year(t) + 7 - week_day(t)) / 7, 2); break;
      case 'V': out += digits(iso_week(t)[0], 2); break;
      case 'w': out += digits(week_day(t), 1); break;
      case 'W': out += digits((day_of_year(t) + 7 - (week_day(t) + 6) % 7) / 7, 2); break;
      case 'y': out += digits(t.year % 100, 2); break;
      case 'Y': out += digits(t.year, 4); break;
      case 'z':
      case 'Z': break;  // a time without a zone
      case '%': out += '%'; break;
      default: out += '%', out += c;
    }
  }
  return out;
}

TFM_JINJA DateTime DateTime::parse(std::string_view text) {
  const auto refuse = [&] {
    raise<OptionError>({"tfm: found the time \"", text, "\", expected one such as 2024-09-05T14:03:09"});
  };
  const std::string_view shape = "0000-00-00T00:00:00";
  std::array<int, 6> parts{};
  std::size_t part = 0;
  if (text.size() != shape.size()) refuse();
  for (std::size_t i = 0; i < shape.size(); ++i) {
    if (shape[i] != '0') {
      if (text[i] != shape[i] && !(shape[i] == 'T' && text[i] == ' ')) refuse();
      ++part;
    } else if (text[i] < '0' || text[i] > '9') {
      refuse();
    } else {
      parts[part] = parts[part] * 10 + (text[i] - '0');
    }
  }
  const DateTime t{parts[0], parts[1], parts[2], parts[3], parts[4], parts[5]};
  if (t.year < 1 || t.month < 1 || t.month > 12 || t.day < 1 || t.day > calendar::days_in(t.year, t.month)) refuse();
  if (t.hour > 23 || t.minute > 59 || t.second > 59) refuse();
  return t;
}

}  // namespace tfm::inline TFM_ABI::jinja
