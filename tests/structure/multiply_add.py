#!/usr/bin/env python3
"""No multiply-add of floats in layers/, models/ and generate/.

A compiler may join a product and a sum into one fused operation, with other bits, where the user's flags allow one. Such
arithmetic belongs into kernels/, whose flags are its own. This reads the text: a sum with a product among its terms, `+=`
of a product, an fma by name, and reductions are faults, unless everything in it is known to be an integer:

  - it stands in [ ], or among the arguments of a function that takes sizes (INDEX_CALLS), or starts from a pointer
  - it initialises a variable, or is returned by a function, of an integer type
  - all its names are declared as integers in the file, or are sizes by the project's convention (INTEGER_NAMES)
  - the line carries the comment  // integers
"""
import re

import house

INTEGER = r"(?:Index|bool|int|long|unsigned|char|(?:std::)?(?:size_t|ptrdiff_t|u?int(?:8|16|32|64)_t))"
INDEX_CALLS = set("row matrix slice take subspan first last reserve resize to_size Index ceil_div round_up bytes_for int8 view".split())
INTEGER_NAMES = set("""rows cols size count dim head_dim heads kv_heads layers ffn vocab context rank tokens hidden
  KiB MiB GiB alignment sizeof to_size ceil_div round_up bytes_for Index int data_rows length capacity position""".split())
REDUCTIONS = re.compile(r"\b(?:inner_product|transform_reduce|lerp|hypot)\b|\.(?:dot\s*\(|squaredNorm\s*\(|(?:norm|sum|mean|prod)\s*\(\s*\))")
FMA = re.compile(r"\b(?:__builtin_)?fma[fl]?\b|\b_mm\d*_\w*fn?m(?:add|sub)\w*|\bv(?:fma|mla|mls)q?_\w+")

TOKEN = re.compile(r"""(?P<number>(?:0x[0-9a-fA-F'.]+(?:p[+-]?\d+)?|\d[\d']*(?:\.\d*)?(?:[eE][+-]?\d+)?|\.\d+(?:[eE][+-]?\d+)?)\w*)|(?P<name>[A-Za-z_]\w*(?:::[A-Za-z_]\w*)*)
  |(?P<op><=>|->\*?|\+\+|--|<<=|>>=|<<|<=|>=|==|!=|&&|\|\||[-+*/%&|^]=|::|\S)""", re.X)
CLOSE = {"(": ")", "[": "]", "{": "}"}
SEPARATORS = set("; , = += -= *= /= %= &= |= ^= <<= >>= < > <= >= == != <=> && || ? : & | ^ << >> !".split())
KEYWORDS = set("return case const constexpr auto else do new delete throw co_return mutable noexcept operator typename".split())
CASTS = set("static_cast reinterpret_cast const_cast bit_cast std::bit_cast".split())


class Group:
    def __init__(self, kind, place):
        self.kind, self.place, self.items = kind, place, []


class Token:
    def __init__(self, text, kind, place):
        self.text, self.kind, self.place = text, kind, place


def parse(text):
    """The text as a tree of brackets. `static_cast<T>` is one name."""
    root = Group("", 0)
    stack = [root]
    for match in TOKEN.finditer(text):
        word, place = match.group(), match.start()
        if word in CLOSE:
            group = Group(word, place)
            stack[-1].items.append(group)
            stack.append(group)
        elif word in ")]}":
            if len(stack) > 1:
                stack.pop()
        else:
            stack[-1].items.append(Token(word, match.lastgroup, place))
    join_casts(root)
    return root


def join_casts(group):
    items, joined, i = group.items, [], 0
    while i < len(items):
        item = items[i]
        if isinstance(item, Group):
            join_casts(item)
        elif item.text in CASTS and i + 1 < len(items) and getattr(items[i + 1], "text", "") == "<":
            end = i + 1
            while end < len(items) and getattr(items[end], "text", "") != ">":
                end += 1
            item = Token("cast " + " ".join(getattr(t, "text", "()") for t in items[i + 2:end]), "name", item.place)
            i = end
        joined.append(item)
        i += 1
    group.items = joined


def is_operand(item):
    return isinstance(item, Group) or item.kind == "number" or (item.kind == "name" and item.text not in KEYWORDS)


def binary(items, i, ops):
    item = items[i]
    return (not isinstance(item, Group) and item.text in ops and 0 < i < len(items) - 1 and is_operand(items[i - 1]))


def terms(items):
    """The addends of a segment."""
    cut = [i for i in range(len(items)) if binary(items, i, "+-")]
    return [items[a + 1:b] for a, b in zip([-1] + cut, cut + [len(items)])]


def has_product(term):
    """Whether a term is a product, in brackets or not."""
    if any(binary(term, i, "*") for i in range(len(term))):
        return True
    bare = [item for item in term if getattr(item, "text", "") not in ("-", "+")]
    if len(bare) == 1 and isinstance(bare[0], Group) and bare[0].kind == "(":
        inner = terms(bare[0].items)
        return len(inner) == 1 and has_product(inner[0])
    return False


class Names:
    """What the file declares: integers, containers of integers, pointers."""

    def __init__(self, text):
        self.integers, floats = set(INTEGER_NAMES), set()
        self.containers = self.declared(text, rf"(?:std::)?(?:span|vector|array)\s*<\s*(?:const\s+)?{INTEGER}\b[^<>;]*>") | {"start", "position", "slot"}
        self.integers |= self.declared(text, INTEGER)
        for match in re.finditer(rf"\b{INTEGER}\s+(\w+)\s*\(", text):
            self.integers.add(match.group(1))
        floats |= self.declared(text, r"(?:float|double)")
        self.integers -= floats
        self.pointers = {m.group(1) for m in re.finditer(
            rf"\b(?:float|double|auto|std::byte|std::int8_t|{INTEGER})(?:\s+const)?\s*\*\s*(?:const\s+)?(\w+)\s*[=,;(){{]", text)} | {"data", "begin"}

    @staticmethod
    def declared(text, kind):
        found = set()
        for match in re.finditer(rf"\b{kind}(?![\w:<*])\s*(?:const\s*)?&?\s*(?!operator)(\w+)\s*(?=[=,;:(){{\[])", text):
            found.add(match.group(1))
            rest = text[match.end():]
            while (more := re.match(r"(?:\{[^{}]*\}|=[^,;(){}]*|\[[^\]]*\])?\s*,\s*(\w+)\s*(?=[=,;{\[])", rest)) is not None:
                found.add(more.group(1))
                rest = rest[more.end():]
        return found


def leaves(items):
    """(name, subscripted) of each operand; ("1", False) for numbers."""
    found, i = [], 0
    while i < len(items):
        item = items[i]
        if isinstance(item, Group):
            if item.kind == "(":
                found += leaves(item.items)
            i += 1
            continue
        if item.kind == "number":
            found.append((item.text, False))
        elif item.kind == "name" and item.text not in KEYWORDS:
            name = item.text
            while i + 1 < len(items):
                following = items[i + 1]
                if isinstance(following, Group) and following.kind in "([{":
                    if following.kind == "[":
                        name += "[]"
                    i += 1
                elif getattr(following, "text", "") in (".", "->") and i + 2 < len(items) and not isinstance(items[i + 2], Group):
                    name, i = items[i + 2].text, i + 2
                else:
                    break
            found.append((name.removesuffix("[]"), name.endswith("[]")))
        i += 1
    return found


def all_integers(items, names):
    def integer(name, subscripted):
        if re.match(r"[\d.]", name):
            return re.fullmatch(r"(?:0x[0-9a-fA-F']+|[\d']+)[uUlLzZ]*", name) is not None
        if name.startswith("cast "):
            return re.fullmatch(INTEGER, name[5:]) is not None
        name = name.split("::")[-1]
        return name in (names.containers if subscripted else names.integers)

    return all(integer(*leaf) for leaf in leaves(items))


def callee(items, i):
    """The name that is called with the bracket items[i], past template arguments."""
    i -= 1
    if i >= 0 and getattr(items[i], "text", "") == ">":
        while i >= 0 and getattr(items[i], "text", "") != "<":
            i -= 1
        i -= 1
    item = items[i] if i >= 0 else None
    return item.text.split("::")[-1] if isinstance(item, Token) and item.kind == "name" else ""


def words(items):
    return " ".join("()" if isinstance(item, Group) else item.text for item in items)


def candidates(group, names, index=False, integer_result=False):
    """Places of products in sums that are not known to be integers."""
    items, segment, statement = group.items, [], []

    def faulty(separator):
        """The segment that just ended, which follows `separator`."""
        addends = terms(segment)
        fused = len(addends) > 1 or separator in ("+=", "-=")
        if index or not fused or not any(has_product(term) for term in addends):
            return False
        before = words(statement)
        if separator == "=" and re.match(rf"(?:(?:static|inline|const|constexpr|mutable)\s+)*{INTEGER}\s+(?:const\s+)?\w+(?:\s*,.*)?$", before):
            return False
        if integer_result and segment and getattr(segment[0], "text", "") == "return":
            return False
        first = leaves(addends[0])
        if len(addends) > 1 and len(first) == 1 and first[0][0] in names.pointers and not first[0][1]:
            return False
        target = []
        if separator in ("+=", "-="):
            target = statement[max((i for i, s in enumerate(statement) if getattr(s, "text", "") in SEPARATORS | {"else"}), default=-1) + 1:]
            # for (...) and if (...) before the statement belong to neither side
            while target and (getattr(target[0], "text", "") in ("for", "if", "while") or (isinstance(target[0], Group) and target[0].kind == "(")):
                target = target[1:]
        return not all_integers(segment + target, names)

    separator, head = ";", 0
    for i, item in enumerate(items):
        if isinstance(item, Group):
            if item.kind == "{":
                before = words(items[head:i])
                returns = re.search(rf"(?:^|\s){INTEGER}\s+[\w:]+\s+\(\)(?:\s*(?:const|noexcept|override))*\s*$|->\s+{INTEGER}\s*$", before)
                lambda_body = integer_result and not re.search(r"\(\)\s*(?:mutable|noexcept)?\s*$", before)
                yield from candidates(item, names, False, bool(returns) or lambda_body or before.split(" ")[0] in ("if", "for", "while", "else") and integer_result)
            else:
                inner = item.kind == "[" or (index and item.kind == "(") or (item.kind == "(" and callee(items, i) in INDEX_CALLS)
                yield from candidates(item, names, inner, integer_result)
            segment.append(item)
            if item.kind == "{" and i + 1 < len(items) and getattr(items[i + 1], "text", "") not in (",", ";", ".", ")"):
                segment, statement, separator, head = [], [], ";", i + 1
        elif item.text in SEPARATORS:
            if faulty(separator):
                yield segment[0].place
            statement = [] if item.text == ";" else statement + segment + ([item] if item.text != "=" else [])
            if item.text == ";":
                head = i + 1
            separator, segment = item.text, []
        else:
            segment.append(item)
    if segment and faulty(separator):
        yield segment[0].place


def faults_of(path, source):
    text = re.sub(r"^[ \t]*#(?:[^\n]*\\\n)*[^\n]*", lambda m: re.sub(r"[^\n]", " ", m.group()), house.blank(source), flags=re.M)
    lines = source.splitlines()
    places = [(place, "a product in a sum") for place in candidates(parse(text), Names(text))]
    places += [(m.start(), "a fused multiply-add") for m in FMA.finditer(text)]
    places += [(m.start(), "a reduction") for m in REDUCTIONS.finditer(text)]
    faults = []
    for place, what in sorted(places):
        line = text.count("\n", 0, place)
        if not re.search(r"//.*\bintegers\b", lines[line]):
            faults.append(f"include/{path}:{line + 1}: {what}, whose rounding the user's flags decide: {lines[line].strip()}")
    return faults


RIGHT = """
inline void f(Context& c, View x, MutableView y, Index n, float s) { y.row(n * 2 + 1)[n * x.cols + 3] = s * x.data[n]; }
struct A { Index rows{}, cols{}; float* data; float* at(Index r, Index c) const { return data + r * cols + c; } };
Index g(Index a, Index b) { if (a > b) { return 0; } return a * shape(b) + other; }
void h(Index heads) { const Index wide = q.heads_of_it * 2 + k; for (Index i = heads * 2 + 1; i < heads * 3 + 2; ++i) use(i); }
void i(Context& c) { auto m = c.scratch.matrix(rows_of(x) * 2 + 1, 4); const float* p = x.data + row * stride; sum += product[i]; }
void j() { y[i] = a[i] * b[i]; y[i] += c[i]; /* y[i] += a[i] * b[i] */ run(n, [&](Index k) { z[k] *= 2; }); }
void k() { total += unknown * 3; }  // integers
auto l(const std::vector<Index>& start, Index s) { return start[s] * 2 + start[s + 1]; }
const float* m(const float* weights, Index r) { const float* const p = weights + r * unknown_stride; return p; }
const Index n0 = static_cast<Index>(x.size()) * 2 + 1;
std::byte* base(Index i); std::byte* values(Index i) { return base(i) + shape.kv * shape.bytes(); }
void o(double t) { double left = static_cast<double>(bits(t) >> 11) * 0x1p-53 * t; }
"""
WRONG = """
void f(View x) { y[i] = a[i] * b[i] + c; }
void f(View x) { y[i] += a[i] * b[i]; }
void f(View x) { y.row(2 * i + 1)[i] -= scale * x.row(i)[i]; }
float f(float x) { return 1 + x * x; }
float f(float x) { return x * (1 - x * x); }
void f(float a, float b) { const float y = b - (a * b); }
void f() { context.run(n, [&](Index i, int) { y[i] = s * x[i] + y[i]; }); }
void f() { for (Index i = 0; i < n; ++i) sum += x[i] * x[i]; }
void f() { if (a * b + c > 0.5f) g(); }
void f() { y = std::fma(a, b, c); }
void f() { eigen(y) += eigen(a) * eigen(b); }
void f() { y = g(static_cast<float>(i) * s + 1); }
void f(Index i) { const float y = static_cast<float>(i) * 2 + 1; }
void f() { s = v.squaredNorm(); }
void f(Index n) { y = n * 0.5f + n; }
void f(Index n) { y = n * 0x1p-24f + n; }
Index f() { const float y = a * b + c; return 1; }
"""


def self_test():
    for number, code in enumerate(RIGHT.strip().split("\n")):
        house.check(not faults_of("right", code), f"fault found in correct line {number + 1}: {code}")
    for code in WRONG.strip().split("\n"):
        house.check(faults_of("wrong", code), f"no fault found in: {code}")


def main():
    self_test()
    paths = house.headers("layers", "models", "generate", bodies=True)
    house.finish([fault for path in paths for fault in faults_of(path, house.read(path))], f"{len(paths)} headers")


if __name__ == "__main__":
    main()
