#pragma once
// What pictures are written with: SVG's elements as text, and the text in them made harmless.
#include <cmath>
#include <string>
#include <string_view>

#include "tfm/formats/message.hpp"
#include "tfm/text/utf8.hpp"

namespace picture {

/// A length in pixels, to a hundredth.
inline std::string pixels(double length) { return tfm::number_text(std::round(length * 100) / 100); }

/// Any text as the content of an element or the value of an attribute.
inline std::string escaped(std::string_view text) {
  std::string out;
  for (const char c : tfm::replace_invalid(text)) {
    if (c == '&') out += "&amp;";
    else if (c == '<') out += "&lt;";
    else if (c == '>') out += "&gt;";
    else if (c == '"') out += "&quot;";
    else out += static_cast<unsigned char>(c) < 0x20 ? ' ' : c;
  }
  return out;
}

enum class Anchor { start, middle, end };

/// A line of text; `turned` by degrees around its place.
inline std::string text_at(double x, double y, std::string_view text, Anchor anchor, int size = 12, int turned = 0) {
  constexpr const char* names[] = {"start", "middle", "end"};
  std::string out = "<text x=\"" + pixels(x) + "\" y=\"" + pixels(y) + "\" text-anchor=\"" +
                    names[static_cast<int>(anchor)] + "\" font-size=\"" + std::to_string(size) + '"';
  if (turned != 0)
    out += " transform=\"rotate(" + std::to_string(turned) + " " + pixels(x) + " " + pixels(y) + ")\"";
  return out + ">" + escaped(text) + "</text>\n";
}

inline std::string line(double x1, double y1, double x2, double y2, std::string_view colour) {
  return "<line x1=\"" + pixels(x1) + "\" y1=\"" + pixels(y1) + "\" x2=\"" + pixels(x2) + "\" y2=\"" + pixels(y2) +
         "\" stroke=\"" + std::string(colour) + "\"/>\n";
}

/// A box; `tip` is shown while the pointer is over it.
inline std::string box(double x, double y, double width, double height, std::string_view fill,
                       std::string_view tip = {}) {
  return "<rect x=\"" + pixels(x) + "\" y=\"" + pixels(y) + "\" width=\"" + pixels(width) + "\" height=\"" +
         pixels(height) + "\" fill=\"" + std::string(fill) + "\"" +
         (tip.empty() ? "/>\n" : "><title>" + escaped(tip) + "</title></rect>\n");
}

/// The whole file around its elements, on white.
inline std::string document(double width, double height, std::string_view elements) {
  return "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"" + pixels(width) + "\" height=\"" + pixels(height) +
         "\" viewBox=\"0 0 " + pixels(width) + " " + pixels(height) + "\" font-family=\"sans-serif\">\n" +
         box(0, 0, width, height, "white") + std::string(elements) + "</svg>\n";
}

/// Characters, not bytes: about the columns that a text takes.
inline std::size_t characters(std::string_view text) {
  std::size_t n = 0;
  for (const char c : text) n += (static_cast<unsigned char>(c) & 0xC0) != 0x80 ? 1 : 0;
  return n;
}

/// The text in a column of so many characters, at its right end; a longer one is cut.
inline std::string right_aligned(std::string_view text, std::size_t width) {
  std::size_t at = 0;
  for (std::size_t n = 0; at < text.size() && n < width; ++n) {
    do ++at;
    while (at < text.size() && (static_cast<unsigned char>(text[at]) & 0xC0) == 0x80);
  }
  const std::string_view cut = text.substr(0, at);
  return std::string(width - characters(cut), ' ') + std::string(cut);
}

}  // namespace picture
