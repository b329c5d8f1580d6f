// The stateless proxy half of the responder: for an S-CSCF's filter criteria and the like, where only a call that comes back
// is a call that goes on.
//
// Source   RFC 3261 section 16.6, 16.7, 16.11.
#include <algorithm>

#include "sip/responder.h"
#include "sip/text.h"

namespace pandun::sip {
namespace {

constexpr std::string_view kBranchMark = "z9hG4bKpd";

std::optional<model::IpAddress> literal(std::string_view host) {
  if (host.size() > 2 && host.front() == '[') host = host.substr(1, host.size() - 2);
  return model::IpAddress::parse(host);
}

bool starts_with_own_header(std::string_view line) {
  return line.size() > 9 && same_word(line.substr(0, 9), "x-pandun-");
}

}  // namespace

std::uint64_t Responder::proxy_branch(const Via& via, std::string_view call_id) const {
  return SipHash(options_.key).add("branch").add(via.branch).add(via.sent_by).add(call_id).add(message_->cseq).value();
}

bool Responder::own(const Via& via) const {
  return via.sent_by == options_.self.text && via.branch.starts_with(kBranchMark);
}

Departure Responder::pass_on(const Arrival& in, const Trunk& trunk, const decide::Answer* answer, Writer& out) {
  const bool ack = message_->method == Method::kAck;
  const auto refuse = [&](std::uint16_t status, std::string_view reason) {
    return ack ? Departure{} : plain(in, trunk, status, reason, {}, out);
  };
  const Field* const hops = message_->find(Name::kMaxForwards);
  if (hops != nullptr && message_->max_forwards == 0) return refuse(483, "Too Many Hops");
  if (own(message_->via)) return refuse(482, "Loop Detected");

  Departure departure{0, trunk.next.address, trunk.next.port};
  // Our own Route goes; the one behind it says where the call came from and returns to, if that is a peer of ours.
  const Field* route = message_->find(Name::kRoute);
  std::string_view route_rest;
  bool cut_route = false;
  if (route != nullptr) {
    Address first, next;
    std::string_view rest;
    if (!parse_address(route->value, first, &rest)) return refuse(400, "Bad Route");
    const auto own_address = literal(first.uri.host);
    cut_route = own_address && *own_address == options_.self.address &&
                (first.uri.port == 0 ? 5060 : first.uri.port) == options_.self.port;
    route_rest = rest;
    const auto next_field = std::find_if(message_->fields.begin() + (route - message_->fields.data()) + 1,
                                         message_->fields.begin() + message_->field_count,
                                         [](const Field& field) { return field.name == Name::kRoute; });
    std::string_view next_text = cut_route ? rest : route->value;
    if (next_text.empty() && next_field != message_->fields.begin() + message_->field_count)
      next_text = next_field->value;
    std::string_view unused;
    if (!next_text.empty() && parse_address(next_text, next, &unused)) {
      const auto address = literal(next.uri.host);
      if (address && trunks_->find(*address) != nullptr) {
        departure.to = *address;
        departure.port = next.uri.port == 0 ? std::uint16_t{5060} : next.uri.port;
      }
    }
  }

  out.put(message_->method_text).put(" ").put(message_->target_text).put(" SIP/2.0\r\n");
  // It goes on over what it came by. A stream's own port is noted below: the answer goes back on that very connection.
  const bool stream = in.transport == Transport::kTcp;
  out.put(stream ? "Via: SIP/2.0/TCP " : "Via: SIP/2.0/UDP ").put(options_.self.text).put(";branch=").put(kBranchMark);
  out.hex(proxy_branch(message_->via, message_->value(Name::kCallId))).put("\r\n");
  if (hops == nullptr) out.put("Max-Forwards: 70\r\n");
  if (answer != nullptr) verdict_headers(*answer, out);
  const std::uint16_t first_via = message_->first[static_cast<std::size_t>(Name::kVia)];
  for (std::size_t i = 0; i < message_->field_count; ++i) {
    const Field& field = message_->fields[i];
    if (i + 1 == first_via) {
      out.put("Via: ");
      top_via(in, out, stream);
      const char* const behind = message_->via.text.data() + message_->via.text.size();
      out.put(field.value.substr(static_cast<std::size_t>(behind - field.value.data()))).put("\r\n");
    } else if (&field == hops) {
      out.put("Max-Forwards: ").put(std::uint64_t{message_->max_forwards} - 1).put("\r\n");
    } else if (&field == route && cut_route) {
      if (!route_rest.empty()) out.put("Route: ").put(route_rest).put("\r\n");
    } else if (!starts_with_own_header(field.line)) {
      out.put(field.line);
    }
  }
  out.put("\r\n").put(message_->body);
  if (!out.whole()) {
    figures_.add(Count::kTooLong);
    return {};
  }
  figures_.add(Count::kPassedOn);
  departure.bytes = out.size();
  return departure;
}

Departure Responder::on_response(const Arrival& in, std::span<char> room) {
  // A response is ours only if its top Via is one that we wrote: the branch is a keyed hash of what stands below it.
  message_ = &own_message_;
  const Fault fault = parse(in.bytes, options_.limits, own_message_);
  if (fault || !trunks_->any_proxy()) {
    figures_.add(Count::kNoise);
    return {};
  }
  const std::uint16_t first_via = message_->first[static_cast<std::size_t>(Name::kVia)];
  Via top, next;
  std::string_view rest, behind;
  if (first_via == 0 || !parse_via(message_->fields[first_via - 1U].value, top, rest)) return {};
  const std::string_view kept = rest;
  std::string_view next_text = rest;
  for (std::size_t i = first_via; next_text.empty() && i < message_->field_count; ++i)
    if (message_->fields[i].name == Name::kVia) next_text = message_->fields[i].value;
  const std::string_view cseq = message_->value(Name::kCSeq);
  std::uint64_t number = 0;
  if (next_text.empty() || !parse_via(next_text, next, behind) ||
      !read_decimal(cseq.substr(0, cseq.find_first_of(" \t\r\n")), 4294967295ULL, number))
    return {};
  own_message_.cseq = static_cast<std::uint32_t>(number);
  char expected[16];
  Writer digits(expected);
  digits.hex(proxy_branch(next, message_->value(Name::kCallId)));
  const std::string_view came_by = in.transport == Transport::kTcp ? "tcp" : "udp";
  if (!own(top) || !same_word(top.transport, came_by) || top.branch.substr(kBranchMark.size()) != digits.text()) {
    figures_.add(Count::kNoise);
    return {};
  }
  if (message_->status == 607) figures_.add(Count::kUnwanted);

  bool has_received = false, has_rport = false;
  const std::string_view received = parameter(next.params, "received", has_received);
  const std::string_view rport = parameter(next.params, "rport", has_rport);
  const auto address = literal(has_received ? received : next.host);
  std::uint64_t port = next.port == 0 ? 5060 : next.port;
  if (!address || trunks_->find(*address) == nullptr) return {};
  if (has_rport && !rport.empty() && !read_decimal(rport, 65535, port)) return {};

  Writer out(room);
  out.put("SIP/2.0 ").put(message_->status_line_rest).put("\r\n");
  for (std::size_t i = 0; i < message_->field_count; ++i) {
    if (i + 1 != first_via)
      out.put(message_->fields[i].line);
    else if (!kept.empty())
      out.put("Via: ").put(kept).put("\r\n");
  }
  out.put("\r\n").put(message_->body);
  if (!out.whole()) {
    figures_.add(Count::kTooLong);
    return {};
  }
  figures_.add(Count::kReturned);
  return {out.size(), *address, static_cast<std::uint16_t>(port)};
}

}  // namespace pandun::sip
