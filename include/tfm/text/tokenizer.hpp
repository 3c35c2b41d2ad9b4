#pragma once
// What a tokenizer is (a concept), and AnyTokenizer, a value that holds any of them.
#include <concepts>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tfm/core/error.hpp"
#include "tfm/core/index.hpp"
#include "tfm/text/utf8.hpp"

namespace tfm::inline TFM_ABI {

/// The number of a piece in a vocabulary, from 0.
using Token = std::int32_t;

/// What a user typed. No part of it ever becomes a control token, whatever it looks like.
struct UserText {
  std::string_view text;
};
/// What a template wrote. Where it spells a control token ("</s>", "<|im_end|>"), it becomes that token.
struct TemplateText {
  std::string_view text;
};

/// One stretch of a text made of both.
struct TextSegment {
  std::string_view text;
  bool from_template;

  TextSegment(UserText t) : text(t.text), from_template(false) {}
  TextSegment(TemplateText t) : text(t.text), from_template(true) {}
};

/// The tokens with a role. Encoding adds none of them: whoever builds a prompt asks add_bos and puts bos in front.
struct SpecialTokens {
  std::optional<Token> bos{}, eos{}, unknown{}, pad{};
  bool add_bos = false, add_eos = false;
};

/// Whether decoded tokens begin a text, where some tokenizers swallow a space, or go on with one.
enum class TextStart : unsigned char { beginning, middle };

/// A tokenizer is immutable, and may be used by several threads at once.
///   encode(segments)  the ids of the segments as one text. A control token ends a stretch of text; what follows it is
///                     encoded like a text of its own.
///   bytes(token)      what the token stands for inside a text: nothing for a control token, perhaps half a character.
///   leading_bytes     the same where the token begins a text.
///   trims_spaces      whether leading_bytes goes on to apply while there is no text yet.
///   piece, find       the token as the vocabulary spells it, and back.
///   invalid           if there is such a function: what U+FFFD stands for in decoded text.
template <class T>
concept Tokenizer = requires(const T& t, std::span<const TextSegment> segments, Token token, std::string_view text) {
  { t.encode(segments) } -> std::same_as<std::vector<Token>>;
  { t.size() } -> std::same_as<Index>;
  { t.special() } -> std::convertible_to<SpecialTokens>;
  { t.is_control(token) } -> std::same_as<bool>;
  { t.bytes(token) } -> std::same_as<std::string_view>;
  { t.leading_bytes(token) } -> std::same_as<std::string_view>;
  { t.trims_spaces() } -> std::same_as<bool>;
  { t.piece(token) } -> std::same_as<std::string_view>;
  { t.find(text) } -> std::same_as<std::optional<Token>>;
};

namespace detail {
/// How a tokenizer's decoder stands for bytes that are no UTF-8; one that does not say so takes them one by one.
template <class T>
InvalidUtf8 invalid_rule(const T& tokenizer) {
  if constexpr (requires { { tokenizer.invalid() } -> std::same_as<InvalidUtf8>; }) return tokenizer.invalid();
  else return InvalidUtf8::each_byte;
}
}  // namespace detail

/// Tokens in, text out, one by one; the state between two of them. Never half a character: see Utf8Stream.
class TokenDecoder {
  Utf8Stream utf8_;
  bool beginning_;
  InvalidUtf8 rule_ = InvalidUtf8::each_byte;

 public:
  explicit TokenDecoder(TextStart start = TextStart::beginning) : beginning_(start == TextStart::beginning) {}

  /// Appends to out the characters that the token completes. A control token has no text; it ends a run of bytes.
  template <class T>
  void push(const T& tokenizer, Token token, std::string& out) {
    rule_ = detail::invalid_rule(tokenizer);
    if (tokenizer.is_control(token)) return utf8_.flush(out, rule_);
    const std::string_view bytes = beginning_ ? tokenizer.leading_bytes(token) : tokenizer.bytes(token);
    // What stands for nothing anywhere leaves a text as it begins.
    beginning_ = beginning_ && bytes.empty() && (tokenizer.trims_spaces() || tokenizer.bytes(token).empty());
    utf8_.push(bytes, out, rule_);
  }
  void flush(std::string& out) { utf8_.flush(out, rule_); }
};

/// Any tokenizer, as a value that is cheap to copy.
class AnyTokenizer {
  struct Interface {
    virtual ~Interface() = default;
    virtual std::vector<Token> encode(std::span<const TextSegment>) const = 0;
    virtual Index size() const = 0;
    virtual bool is_control(Token) const = 0;
    virtual std::string_view bytes(Token) const = 0;
    virtual std::string_view leading_bytes(Token) const = 0;
    virtual bool trims_spaces() const = 0;
    virtual InvalidUtf8 invalid() const = 0;
    virtual std::string_view piece(Token) const = 0;
    virtual std::optional<Token> find(std::string_view) const = 0;
  };
  template <Tokenizer T>
  struct Holder final : Interface {
    T held;
    explicit Holder(T tokenizer) : held(std::move(tokenizer)) {}
    std::vector<Token> encode(std::span<const TextSegment> segments) const override { return held.encode(segments); }
    Index size() const override { return held.size(); }
    bool is_control(Token token) const override { return held.is_control(token); }
    std::string_view bytes(Token token) const override { return held.bytes(token); }
    std::string_view leading_bytes(Token token) const override { return held.leading_bytes(token); }
    bool trims_spaces() const override { return held.trims_spaces(); }
    InvalidUtf8 invalid() const override { return detail::invalid_rule(held); }
    std::string_view piece(Token token) const override { return held.piece(token); }
    std::optional<Token> find(std::string_view piece) const override { return held.find(piece); }
  };

  std::shared_ptr<const Interface> held_;
  SpecialTokens special_;

  const Interface& get() const;

 public:
  /// Holds nothing; every use but operator bool is a TokenizerError.
  AnyTokenizer() = default;
  template <class T>
    requires(!std::same_as<T, AnyTokenizer> && Tokenizer<T>)
  AnyTokenizer(T tokenizer) : special_(tokenizer.special()) {
    held_ = std::make_shared<const Holder<T>>(std::move(tokenizer));
  }
  explicit operator bool() const noexcept { return held_ != nullptr; }

  std::vector<Token> encode(std::span<const TextSegment> segments) const { return get().encode(segments); }
  std::vector<Token> encode(std::initializer_list<TextSegment> segments) const;
  std::vector<Token> encode(UserText text) const { return encode({TextSegment(text)}); }
  std::vector<Token> encode(TemplateText text) const { return encode({TextSegment(text)}); }

  /// The text of the tokens, well-formed UTF-8. What StreamDecoder gives piece by piece.
  std::string decode(std::span<const Token> tokens, TextStart start = TextStart::beginning) const;

  /// The number of tokens. Every function of a token raises TokenizerError for one outside 0 .. size() - 1.
  Index size() const { return get().size(); }
  bool is_control(Token token) const { return get().is_control(token); }
  std::string_view bytes(Token token) const { return get().bytes(token); }
  std::string_view leading_bytes(Token token) const { return get().leading_bytes(token); }
  bool trims_spaces() const { return get().trims_spaces(); }
  InvalidUtf8 invalid() const { return get().invalid(); }
  std::string_view piece(Token token) const { return get().piece(token); }
  std::optional<Token> find(std::string_view piece) const { return get().find(piece); }

  const SpecialTokens& special() const noexcept { return special_; }
  std::optional<Token> bos() const noexcept { return special_.bos; }
  std::optional<Token> eos() const noexcept { return special_.eos; }
  std::optional<Token> unknown() const noexcept { return special_.unknown; }
  std::optional<Token> pad() const noexcept { return special_.pad; }
  bool add_bos() const noexcept { return special_.add_bos; }
  bool add_eos() const noexcept { return special_.add_eos; }

  /// The same tokenizer with other roles: what a configuration file says beside the vocabulary.
  AnyTokenizer with_special(const SpecialTokens& special) const;
};

static_assert(Tokenizer<AnyTokenizer>);

}  // namespace tfm::inline TFM_ABI

#if defined(TFM_DEFINITIONS)
#include "tfm/text/tokenizer.inl"
#endif
