#pragma once
// A .bin of PyTorch's around a pickle, as torch.save lays it out.
#include <zip.h>

#include <filesystem>
#include <string>
#include <string_view>

#include "support/catch.hpp"

namespace tfm_test {

inline void write_torch_archive(const std::filesystem::path& path, std::string_view pickle) {
  zip_t* const zip = zip_open(path.string().c_str(), ZIP_CREATE | ZIP_TRUNCATE, nullptr);
  REQUIRE(zip != nullptr);
  const auto add = [&](const char* name, std::string_view data) {
    zip_source_t* const source = zip_source_buffer(zip, data.data(), data.size(), 0);
    const zip_int64_t index = zip_file_add(zip, (path.stem().string() + "/" + name).c_str(), source, ZIP_FL_ENC_UTF_8);
    REQUIRE(index >= 0);
    REQUIRE(zip_set_file_compression(zip, static_cast<zip_uint64_t>(index), ZIP_CM_STORE, 0) == 0);
  };
  add("data.pkl", pickle);
  add("version", "3\n");
  REQUIRE(zip_close(zip) == 0);
}

}  // namespace tfm_test
