// What unpickle.hpp declares.

namespace tfm::inline TFM_ABI {

namespace detail {

TFM_INLINE Unpickler::Unpickler(std::span<const std::byte> bytes, const std::string& file) : reader_(bytes, file) {
  pickle_.file = file;
  pickle_.bytes = bytes;
}

TFM_INLINE std::pair<Pickle, std::size_t> Unpickler::run() && {
  if (pickle_.bytes.size() > UINT32_MAX) pickle_.bytes = pickle_.bytes.first(UINT32_MAX);
  while (step()) {}
  if (!marks_.empty() || stack_.size() != 1)
    refuse("the stack holds " + std::to_string(stack_.size()) + " values at its end, expected one");
  pickle_.root = stack_.front();
  return {std::move(pickle_), reader_.position()};
}

TFM_INLINE void Unpickler::refuse(const std::string& what) const {
  fail(pickle_.file, "the pickle, at byte " + std::to_string(opcode_at_) + ": " + what);
}

TFM_INLINE void Unpickler::refuse_global(std::string_view module, std::string_view name) const {
  refuse("names " + in_quotes(std::string(module.substr(0, 200)) + "." + std::string(name.substr(0, 200))) +
         ", which is no tensor and no plain container: refused, and not run");
}

TFM_INLINE void Unpickler::push(PickleValue value) {
  if (++made_ > most_pickle_values) refuse("more than " + std::to_string(most_pickle_values) + " values");
  stack_.push_back(value);
}

TFM_INLINE void Unpickler::push_object(Kind kind, std::vector<PickleValue> items) {
  pickle_.objects.push_back(std::move(items));
  push(kind, pickle_.objects.size() - 1);
}

TFM_INLINE void Unpickler::need(std::size_t n) const {
  if (stack_.size() - (marks_.empty() ? 0 : marks_.back()) < n)
    refuse("takes " + std::to_string(n) + " values off a stack that has fewer");
}

TFM_INLINE PickleValue Unpickler::pop() {
  need(1);
  const PickleValue value = stack_.back();
  stack_.pop_back();
  return value;
}

TFM_INLINE std::vector<PickleValue> Unpickler::pop_n(std::size_t n) {
  need(n);
  std::vector<PickleValue> values(stack_.end() - static_cast<std::ptrdiff_t>(n), stack_.end());
  stack_.resize(stack_.size() - n);
  return values;
}

TFM_INLINE std::vector<PickleValue> Unpickler::pop_to_mark() {
  if (marks_.empty()) refuse("takes values up to a mark, and there is none");
  const std::size_t n = stack_.size() - marks_.back();
  auto values = pop_n(n);
  marks_.pop_back();
  return values;
}

TFM_INLINE void Unpickler::extend(Kind kind, const std::vector<PickleValue>& values) {
  const PickleValue target = top();
  if (!target.is(kind)) refuse("adds to " + std::string(name(target.kind)) + ", expected " + std::string(name(kind)));
  if (kind == Kind::dict && values.size() % 2 != 0) refuse("a key without a value");
  auto& items = pickle_.objects[static_cast<std::size_t>(target.bits)];
  items.insert(items.end(), values.begin(), values.end());
}

TFM_INLINE void Unpickler::push_text(Kind kind, std::uint64_t size) {
  const std::size_t at = reader_.position();
  reader_.bytes(size, "a string of the pickle");
  push(kind, std::uint64_t{at} << 32 | size);
}

TFM_INLINE std::string_view Unpickler::line() {
  const std::string_view rest = text_of(pickle_.bytes).substr(reader_.position());
  const std::size_t end = rest.find('\n');
  if (end == rest.npos) refuse("a name without an end");
  return text_of(reader_.bytes(end + 1, "a name of the pickle")).substr(0, end);
}

TFM_INLINE void Unpickler::push_long(std::uint64_t size) {
  const std::size_t at = reader_.position();
  const auto bytes = reader_.bytes(size, "an integer of the pickle");
  const auto byte = [&](std::size_t i) { return std::to_integer<unsigned>(bytes[i]); };
  std::size_t used = bytes.size();
  const unsigned sign = used > 0 && byte(used - 1) >= 128 ? 255 : 0;
  while (used > 8 && byte(used - 1) == sign) --used;
  if (used > 8 || (used == 8 && bytes.size() > 8 && (byte(7) >= 128) != (sign == 255)))
    return push(Kind::bytes, std::uint64_t{at} << 32 | size);
  std::uint64_t bits = sign == 255 ? ~std::uint64_t{0} : 0;
  for (std::size_t i = 0; i < used; ++i) bits = (bits & ~(std::uint64_t{255} << 8 * i)) | std::uint64_t{byte(i)} << 8 * i;
  push(Kind::integer, bits);
}

TFM_INLINE void Unpickler::push_global(std::string_view module, std::string_view name) {
  for (std::size_t i = 0; i < std::size(pickle_globals); ++i)
    if (pickle_globals[i].module == module && pickle_globals[i].name == name) return push(Kind::global, i);
  refuse_global(module, name);
}

TFM_INLINE void Unpickler::get(std::uint64_t slot) {
  if (slot >= memo_.size()) refuse("recalls number " + std::to_string(slot) + ", which was not kept");
  push(memo_[static_cast<std::size_t>(slot)]);
}

TFM_INLINE void Unpickler::put(std::uint64_t slot) {
  if (slot >= static_cast<std::uint64_t>(most_pickle_values))
    refuse("keeps a value as number " + std::to_string(slot) + ", expected less than " +
           std::to_string(most_pickle_values));
  if (slot >= memo_.size()) memo_.resize(static_cast<std::size_t>(slot) + 1);
  memo_[static_cast<std::size_t>(slot)] = top();
}

TFM_INLINE void Unpickler::reduce() {
  const PickleValue arguments = pop(), function = pop();
  if (!function.is(Kind::global) || !arguments.is(Kind::tuple))
    refuse("calls " + std::string(name(function.kind)) + " with " + std::string(name(arguments.kind)));
  const PickleGlobal& global = pickle_.global(function);
  const auto& given = pickle_.items(arguments);
  const auto is = [&](std::size_t i, Kind kind) { return i < given.size() && given[i].is(kind); };
  const auto expect = [&](bool fits, std::string_view wanted) {
    if (!fits)
      refuse(std::string(global.name) + " is given " + std::to_string(given.size()) + " values, expected " +
             std::string(wanted));
  };
  switch (global.role) {
    case Role::ordered_dict:
      expect(given.empty(), "none");
      return push_object(Kind::dict, {});
    case Role::size:
      expect(given.size() == 1 && is(0, Kind::tuple), "a tuple");
      return push(given[0]);
    case Role::rebuild_parameter:
      expect(is(0, Kind::tensor), "a tensor first");
      return push(given[0]);
    case Role::rebuild_tensor:
      expect(given.size() >= 6 && is(0, Kind::storage) && is(1, Kind::integer) && is(2, Kind::tuple) &&
                 is(3, Kind::tuple),
             "a storage, an offset, sizes and strides first, six in all");
      pickle_.tensors.push_back({given[0], given[1], given[2], given[3]});
      return push(Kind::tensor, pickle_.tensors.size() - 1);
    case Role::storage: refuse(std::string(global.name) + " is called, expected its name only");
  }
}

TFM_INLINE void Unpickler::build() {
  const PickleValue state = pop();
  if (!top().is(Kind::dict) || !state.is(Kind::dict))
    refuse("sets the state of " + std::string(name(top().kind)) + " to " + std::string(name(state.kind)) +
           ", expected dictionaries");
}

TFM_INLINE void Unpickler::persistent_storage() {
  const PickleValue id = pop();
  if (!id.is(Kind::tuple)) refuse("a persistent id is " + std::string(name(id.kind)) + ", expected a tuple");
  const auto& parts = pickle_.items(id);
  const bool fits = (parts.size() == 5 || (parts.size() == 6 && parts[5].is(Kind::none))) && parts[0].is(Kind::text) &&
                    pickle_.text(parts[0]) == "storage" && parts[1].is(Kind::global) &&
                    pickle_.global(parts[1]).role == Role::storage && parts[2].is(Kind::text) &&
                    parts[4].is(Kind::integer) && parts[4].integer() >= 0;
  if (!fits) refuse("a persistent id is not ('storage', type, key, device, size)");
  pickle_.storages.push_back({&pickle_.global(parts[1]), pickle_.text(parts[2]), parts[4].integer()});
  push(Kind::storage, pickle_.storages.size() - 1);
}

TFM_INLINE bool Unpickler::step() {
  opcode_at_ = reader_.position();
  const auto opcode = reader_.number<unsigned char>("an opcode of the pickle");
  const auto u8 = [&] { return reader_.number<std::uint8_t>("a length of the pickle"); };
  const auto u32 = [&] { return reader_.number<std::uint32_t>("a length of the pickle"); };
  const auto u64 = [&] { return reader_.number<std::uint64_t>("a length of the pickle"); };
  switch (opcode) {
    case 0x80:
      if (const int protocol = u8(); protocol < 2 || protocol > 4)
        refuse("protocol " + std::to_string(protocol) + ", expected 2, 3 or 4");
      break;
    case '.': return false;
    case 0x95: u64(); break;  // a frame's length, which only helps those who read piece by piece
    case '(': 
      if (static_cast<Index>(marks_.size()) >= most_pickle_values) refuse("too many marks");
      marks_.push_back(stack_.size());
      break;
    case '0':
      if (!marks_.empty() && marks_.back() == stack_.size()) marks_.pop_back();
      else pop();
      break;
    case '1': pop_to_mark(); break;
    case '2': push(top()); break;
    case 'N': push(Kind::none, 0); break;
    case 0x88: push(Kind::boolean, 1); break;
    case 0x89: push(Kind::boolean, 0); break;
    case 'J': push_integer(reader_.number<std::int32_t>("an integer of the pickle")); break;
    case 'K': push_integer(u8()); break;
    case 'M': push_integer(reader_.number<std::uint16_t>("an integer of the pickle")); break;
    case 0x8a: push_long(u8()); break;
    case 0x8b: push_long(u32()); break;
    case 'G': push(Kind::number, __builtin_bswap64(u64())); break;
    case 'X': push_text(Kind::text, u32()); break;
    case 0x8c: push_text(Kind::text, u8()); break;
    case 0x8d: push_text(Kind::text, u64()); break;
    case 'U': push_text(Kind::text, u8()); break;  // Python 2's strings
    case 'T': push_text(Kind::text, u32()); break;
    case 'C': push_text(Kind::bytes, u8()); break;
    case 'B': push_text(Kind::bytes, u32()); break;
    case 0x8e: push_text(Kind::bytes, u64()); break;
    case ']': push_object(Kind::list, {}); break;
    case ')': push_object(Kind::tuple, {}); break;
    case '}': push_object(Kind::dict, {}); break;
    case 'l': push_object(Kind::list, pop_to_mark()); break;
    case 't': push_object(Kind::tuple, pop_to_mark()); break;
    case 0x85: case 0x86: case 0x87: push_object(Kind::tuple, pop_n(opcode - 0x84u)); break;
    case 'd': {
      auto items = pop_to_mark();
      push_object(Kind::dict, {});
      extend(Kind::dict, items);
      break;
    }
    case 'a': extend(Kind::list, pop_n(1)); break;
    case 'e': extend(Kind::list, pop_to_mark()); break;
    case 's': extend(Kind::dict, pop_n(2)); break;
    case 'u': extend(Kind::dict, pop_to_mark()); break;
    case 'q': put(u8()); break;
    case 'r': put(u32()); break;
    case 0x94: put(memo_.size()); break;
    case 'h': get(u8()); break;
    case 'j': get(u32()); break;
    case 'c': {
      const std::string_view module = line();
      push_global(module, line());
      break;
    }
    case 0x93: {
      const PickleValue of_name = pop(), module = pop();
      if (!of_name.is(Kind::text) || !module.is(Kind::text)) refuse("names a class by what is no text");
      push_global(pickle_.text(module), pickle_.text(of_name));
      break;
    }
    case 'i': {
      const std::string_view module = line();
      refuse_global(module, line());
    }
    case 'R': reduce(); break;
    case 'b': build(); break;
    case 'Q': persistent_storage(); break;
    default:
      refuse("opcode " + std::to_string(opcode) + ", which PyTorch writes for no tensor and no plain container");
  }
  return true;
}

}  // namespace detail

TFM_INLINE Pickle unpickle(std::span<const std::byte> bytes, const std::string& file) {
  auto [pickle, used] = detail::Unpickler(bytes, file).run();
  if (used != bytes.size())
    detail::fail(file, std::to_string(bytes.size() - used) + " bytes follow the pickle's end, expected none");
  return std::move(pickle);
}

}  // namespace tfm::inline TFM_ABI
