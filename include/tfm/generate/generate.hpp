#pragma once
// generate: from the logits at the end of a session to an answer, token by token.
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "tfm/generate/sampler.hpp"
#include "tfm/generate/session.hpp"
#include "tfm/generate/stop_rules.hpp"
#include "tfm/text/stream_decoder.hpp"

namespace tfm::inline TFM_ABI {

/// What a generation gave.
struct Generated {
  std::string text;
  std::vector<Token> ids;           ///< without the stop token
  std::vector<std::size_t> bytes;   ///< decoded bytes up to and with each id; a stop string, or half a character, may cut `text` shorter
  Index evaluated = 0;              ///< of the ids, the first so many are in the session
  StopReason reason{};
};

namespace detail {

/// Calls a callback that returns bool (false stops) or void.
template <class F>
bool call_back(F& callback, std::string_view piece) {
  if constexpr (std::is_void_v<std::invoke_result_t<F&, std::string_view>>) {
    callback(piece);
    return true;
  } else {
    return static_cast<bool>(callback(piece));
  }
}

/// Brings a session and a sampler back to where they were, unless what is done with them came to its end.
template <class Model>
struct PutBack {
  Session<Model>& session;
  Sampler& sampler;
  typename Session<Model>::Mark mark;
  std::uint64_t draws;
  bool done = false;

  PutBack(Session<Model>& s, Sampler& chosen) : session(s), sampler(chosen), mark(s.mark()), draws(chosen.draws()) {}
  ~PutBack() {
    if (done) return;
    session.return_to(mark);
    sampler.restart(draws);
  }
  PutBack(const PutBack&) = delete;
  PutBack& operator=(const PutBack&) = delete;
};

}  // namespace detail

/// Samples from the session's logits and evaluates what was sampled, until a rule, a limit, the callback or the session's
/// StopToken ends it. `callback(std::string_view piece)` gets whole characters only, and no part of a stop string; it
/// returns void, or bool (false stops). All ids, but perhaps the last, have been evaluated.
/// A stop string that is a control token as the vocabulary spells it stops at that token; one that holds such a spelling
/// beside other text, where the token stands at that place of the text.
/// Errors: Error if the session has no logits; and what the callback throws. Session and sampler are then as they were.
template <CausalModel Model, class F>
Generated generate(Session<Model>& session, const AnyTokenizer& tokenizer, Sampler& sampler, const StopRules& rules, Index max_tokens, F&& callback,
                   TextStart start = TextStart::middle) {
  Generated out;
  StreamDecoder decoder(tokenizer, start);
  StopFilter filter(rules.strings());
  detail::PutBack put_back(session, sampler);
  std::size_t decoded = 0;
  const auto emit = [&](std::string_view piece) {
    out.text += piece;
    return piece.empty() || detail::call_back(callback, piece);
  };
  const auto next = [&]() -> std::optional<StopReason> {
    if (static_cast<Index>(out.ids.size()) >= max_tokens) return StopReason::max_tokens;
    if (session.context().stop.stop_requested()) return StopReason::stopped;
    const std::span<const float> logits = session.logits();
    const Token id = sampler.sample(session.context(), {logits.data(), 1, static_cast<Index>(logits.size())}, session.tokens());
    const bool control = id < tokenizer.size() && tokenizer.is_control(id), spelled = control || id == tokenizer.unknown();
    if (rules.stops(id) || (spelled && rules.stops(tokenizer.piece(id)))) {
      if (control && (!emit(filter.push(decoder.flush())) || !emit(filter.push_control(tokenizer.piece(id))))) return StopReason::callback;
      return StopReason::stop_token;
    }
    const std::string piece = decoder.push(id);
    decoded += piece.size();
    out.ids.push_back(id);
    out.bytes.push_back(decoded);
    if (!emit(filter.push(piece))) return StopReason::callback;
    if (control && !emit(filter.push_control(tokenizer.piece(id)))) return StopReason::callback;
    if (filter.found()) return StopReason::stop_string;
    if (static_cast<Index>(out.ids.size()) >= max_tokens) return StopReason::max_tokens;
    if (session.room() == 0) return StopReason::context_full;
    const Token one[] = {id};
#if defined(__cpp_exceptions)
    try {
      session.evaluate(one);
    } catch (const Stopped&) {
      return StopReason::stopped;
    }
#else
    session.evaluate(one);
#endif
    ++out.evaluated;
    return std::nullopt;
  };
  std::optional<StopReason> reason;
  while (!reason) reason = next();
  out.reason = *reason;
  if (!filter.found() && out.reason != StopReason::callback) {
    emit(filter.push(decoder.flush()));
    if (!filter.found()) emit(filter.flush());
    else out.reason = StopReason::stop_string;
  }
  put_back.done = true;
  return out;
}

}  // namespace tfm::inline TFM_ABI
