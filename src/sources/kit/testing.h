// For the tests of sources only: files in memory whose names, inodes and clocks the test moves, and events as text.
#pragma once

#include <fmt/format.h>
#include <zlib.h>

#include <algorithm>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "sources/kit/source.h"

namespace pandun::sources::testing {

class MemoryFiles final : public platform::FileSystem {
 public:
  struct Node {
    std::string bytes;
    std::uint64_t inode = 0;
    std::int64_t modified_ms = 0;
  };

  void append(const std::string& path, std::string_view bytes) {
    auto& node = nodes_[path];
    if (!node) {
      node = std::make_shared<Node>();
      node->inode = ++inodes_;
    }
    node->bytes += bytes;
    node->modified_ms = ++clock_;
  }
  void write(const std::string& path, std::string bytes) {  // a new file under this name
    nodes_.erase(path);
    append(path, bytes);
  }
  void move(const std::string& from, const std::string& to) {
    nodes_[to] = nodes_.at(from);
    nodes_.erase(from);
  }
  void copy_truncate(const std::string& path, const std::string& to) {
    write(to, nodes_.at(path)->bytes);
    nodes_.at(path)->bytes.clear();
    nodes_.at(path)->modified_ms = ++clock_;
  }
  void erase(const std::string& path) { nodes_.erase(path); }
  bool has(const std::string& path) const { return nodes_.contains(path); }
  const std::string& bytes(const std::string& path) const { return nodes_.at(path)->bytes; }

  Result<std::unique_ptr<platform::ReadableFile>> open_read(const std::string& path) override {
    const auto found = nodes_.find(path);
    if (found == nodes_.end()) return error(Errc::kNotFound, path, "no such file");
    return std::unique_ptr<platform::ReadableFile>(std::make_unique<Reading>(found->second, read_max));
  }
  Result<platform::FileInfo> info(const std::string& path) override {
    const auto found = nodes_.find(path);
    if (found != nodes_.end()) return info_of(*found->second);
    for (const auto& [name, node] : nodes_)
      if (name.starts_with(path + "/")) {
        platform::FileInfo folder;
        folder.directory = true;
        return folder;
      }
    return error(Errc::kNotFound, path, "no such file");
  }
  Result<std::vector<std::string>> list(const std::string& directory) override {
    std::vector<std::string> names;
    for (const auto& [name, node] : nodes_) {
      if (!name.starts_with(directory + "/")) continue;
      const std::string rest = name.substr(directory.size() + 1);
      const std::string first = rest.substr(0, rest.find('/'));
      if (names.empty() || names.back() != first) names.push_back(first);
    }
    return names;
  }

  Result<std::unique_ptr<platform::WritableFile>> open_append(const std::string& path, unsigned) override {
    return refuse(path);
  }
  Result<std::unique_ptr<platform::WritableFile>> create(const std::string& path, unsigned) override {
    return refuse(path);
  }
  Result<> make_directories(const std::string& path) override { return refuse(path); }
  Result<> rename(const std::string& from, const std::string&) override { return refuse(from); }
  Result<> remove(const std::string& path) override { return refuse(path); }
  Result<> sync_directory(const std::string& path) override { return refuse(path); }
  Result<std::uint64_t> free_bytes(const std::string& path) override { return refuse(path); }

  std::size_t read_max = SIZE_MAX;  // bytes one read gives at most

 private:
  static platform::FileInfo info_of(const Node& node) {
    platform::FileInfo info;
    info.size = node.bytes.size();
    info.inode = node.inode;
    info.modified_ms = node.modified_ms;
    info.device = 1;
    return info;
  }
  static Error refuse(const std::string& path) { return error(Errc::kUnsupported, path, "these files are read only"); }

  class Reading final : public platform::ReadableFile {
   public:
    Reading(std::shared_ptr<Node> node, std::size_t read_max) : node_(std::move(node)), read_max_(read_max) {}
    Result<std::size_t> read_at(std::uint64_t offset, char* out, std::size_t bytes) const override {
      if (offset >= node_->bytes.size()) return std::size_t{0};
      const std::size_t size = std::min({bytes, node_->bytes.size() - offset, read_max_});
      node_->bytes.copy(out, size, offset);
      return size;
    }
    Result<platform::FileInfo> info() const override { return info_of(*node_); }

   private:
    std::shared_ptr<Node> node_;
    std::size_t read_max_;
  };

  std::map<std::string, std::shared_ptr<Node>> nodes_;
  std::uint64_t inodes_ = 100;
  std::int64_t clock_ = 1000;
};

inline std::string gzip(std::string_view bytes) {
  z_stream zip{};
  deflateInit2(&zip, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY);
  std::string in(bytes), out(deflateBound(&zip, static_cast<uLong>(bytes.size())) + 64, '\0');
  zip.next_in = reinterpret_cast<Bytef*>(in.data());
  zip.avail_in = static_cast<uInt>(in.size());
  zip.next_out = reinterpret_cast<Bytef*>(out.data());
  zip.avail_out = static_cast<uInt>(out.size());
  deflate(&zip, Z_FINISH);
  out.resize(zip.total_out);
  deflateEnd(&zip);
  return out;
}

struct Describe {
  using Ip = model::IpAddress;
  static std::string ip(const Ip& address) { return address.known() ? address.text() : "?"; }
  std::string operator()(const model::Call& c) const {
    return fmt::format(
        "call {}>{} dev={} cells={}/{} route={} s={} cause={} answered={} intl={}{}{}{}", c.caller_text, c.callee_text,
        c.caller_device, c.caller_cell, c.callee_cell, c.route, c.duration_s, c.release_cause,
        static_cast<int>(c.answered), c.international, c.ring_s < 0 ? "" : fmt::format(" ring={}", c.ring_s),
        c.callee_device.empty() ? "" : fmt::format(" callee_dev={}", c.callee_device), c.roaming ? " roaming" : "");
  }
  std::string operator()(const model::Message& m) const {
    return fmt::format("message {}>{} dev={} cell={} route={} n={} intl={}{}{}", m.sender_text, m.recipient_text,
                       m.sender_device, m.sender_cell, m.route, m.segments, m.international,
                       m.template_hash.empty() ? "" : fmt::format(" template={}", m.template_hash),
                       m.link_domain.empty() ? "" : fmt::format(" link={}", m.link_domain));
  }
  std::string operator()(const model::Opening& o) const {
    return fmt::format("opening {} holder={} agent={} plan={}", o.number_text, o.holder, o.agent, o.plan);
  }
  std::string operator()(const model::CellReport& c) const {
    return fmt::format("cell_report {} cell={} near={} {} sender={}", c.reporter_text, c.cell, c.near_cell,
                       model::name(c.oddity), c.sender_text);
  }
  std::string operator()(const model::CallProgress& c) const {
    return fmt::format("call_progress {}>{} call={} {} since={} route={}{}", c.caller_text, c.callee_text, c.call,
                       model::name(c.stage), c.since_s, c.route, c.international ? " intl" : "");
  }
  std::string operator()(const model::Flow& f) const {
    return fmt::format("flow {}:{}>{}:{}/{} state={} bytes={}/{} pkts={}/{} ms={} {}", ip(f.src), f.src_port, ip(f.dst),
                       f.dst_port, f.protocol, static_cast<int>(f.state), f.bytes_out, f.bytes_in, f.packets_out,
                       f.packets_in, f.duration_ms, f.service);
  }
  std::string operator()(const model::Dns& d) const {
    return fmt::format("dns {}>{} {} type={} rcode={} [{}]", ip(d.client), ip(d.server), d.query, d.qtype, d.rcode,
                       d.answers);
  }
  std::string operator()(const model::Http& h) const {
    return fmt::format("http {}>{}:{} {} {} {} agent={} status={} bytes={}/{}", ip(h.client), ip(h.server),
                       h.server_port, h.method, h.host, h.uri, h.user_agent, h.status, h.bytes_out, h.bytes_in);
  }
  std::string operator()(const model::Tls& t) const {
    return fmt::format("tls {}>{}:{} up={} sni={} ja3={} ja3s={} cert={}", ip(t.client), ip(t.server), t.server_port,
                       t.established, t.sni, t.ja3, t.ja3s, t.certificate_sha1);
  }
  std::string operator()(const model::File& f) const {
    return fmt::format("file {}>{} sha256={} sha1={} md5={} mime={} name={} bytes={}", ip(f.server), ip(f.client),
                       f.sha256, f.sha1, f.md5, f.mime, f.name, f.bytes);
  }
  std::string operator()(const model::Login& l) const {
    return fmt::format("login {}>{}:{} {} ok={} n={}", ip(l.client), ip(l.server), l.server_port, l.service,
                       static_cast<int>(l.succeeded), l.attempts);
  }
  std::string operator()(const model::Sighting& s) const {
    return fmt::format("sighting {}>{}:{} sev={} {} | {} | {}", ip(s.client), ip(s.server), s.server_port, s.severity,
                       s.name, s.category, s.message);
  }
};

inline std::string text_of(const model::Event& event) {
  return fmt::format("#{} {} {}", event.record, rfc3339(event.time), std::visit(Describe{}, event.payload));
}
inline std::string text_of(const model::Reject& reject) {
  return fmt::format("#{} reject {}", reject.record, name(reject.reason));
}

// What came out of a stream, in words.
struct Seen {
  std::vector<std::string> events, rejects, details;
  Counts counts;
  void add(const Decoded& decoded) {
    for (const auto& event : decoded.batch.events) events.push_back(text_of(event));
    for (const auto& reject : decoded.rejects) {
      rejects.push_back(text_of(reject));
      details.push_back(reject.detail + " | " + reject.excerpt);
    }
  }
  bool adds_up() const {
    return counts.records == events.size() + rejects.size() + counts.unread && counts.rejected == rejects.size();
  }
};

inline Seen drain(Stream& stream, std::size_t events_max = 1000) {
  Seen seen;
  Decoded decoded;
  do {
    decoded = {};
    const auto result = stream.next(events_max, decoded);
    if (!result) {
      seen.details.push_back(result.error().text());
      break;
    }
    seen.add(decoded);
  } while (!decoded.end && !(decoded.batch.events.empty() && decoded.rejects.empty()));
  seen.counts = stream.counts();
  return seen;
}

// Lines through a decoder alone, each padded as the reader pads them.
struct Decode {
  Seen seen;
  Decode(const SourcePart& part, const std::vector<std::string>& lines, std::string_view file_name = "x.csv",
         const std::string& map = {}) {
    const Input input{std::string(part.spec().kind), std::string(file_name), map.empty() ? "" : "map.toml", false};
    auto decoder = part.open(input, file_name, map);
    if (!decoder) {
      seen.details.push_back(decoder.error().text());
      return;
    }
    Decoded out;
    model::Arena arena;
    DecodeSink sink{&out.batch, &arena, &out.rejects, &seen.counts, 0};
    std::uint64_t record = 0;
    for (const std::string& line : lines) {
      const std::string padded = line + std::string(64, '\0');
      (*decoder)->line(std::string_view(padded).substr(0, line.size()), ++record, sink);
    }
    (*decoder)->end(sink);
    seen.add(out);
  }
};

}  // namespace pandun::sources::testing
