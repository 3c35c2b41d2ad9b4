// SHA-256 against the digests of FIPS 180-4's examples, however the bytes are cut.
#include "tfm/formats/sha256.hpp"

#include "support/catch.hpp"

using tfm::Sha256;

TEST_CASE("SHA-256 gives the digests of FIPS 180-4's examples") {
  CHECK(Sha256().digits() == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  CHECK(Sha256().add("abc").digits() == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  CHECK(Sha256().add("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq").digits() ==
        "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
  const std::string million(1'000'000, 'a');
  Sha256 pieces;
  for (std::size_t at = 0, n = 1; at < million.size(); at += n, n = n * 3 % 131 + 1)
    pieces.add(std::string_view(million).substr(at, n));
  CHECK(pieces.digits() == "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
  CHECK(Sha256().add(million).digits() == pieces.digits());
}
