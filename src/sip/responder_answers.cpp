// The words of an answer: what each form of allowing and rejecting says, and what every answer copies from its request.
#include "sip/responder.h"
#include "sip/text.h"

namespace pandun::sip {

void Responder::verdict_headers(const decide::Answer& answer, Writer& out) const {
  out.put("X-Pandun-Verdict: ").put(decide::name(answer.verdict)).put("\r\nX-Pandun-Reason: ");
  out.put(decide::name(answer.reason)).put("\r\n");
  if (identity_ != 0) identity_header(out);
  if (answer.id != 0) out.put("X-Pandun-Decision: ").put(decide::decision_id(answer.id).view()).put("\r\n");
  if (answer.score != 0) out.put("X-Pandun-Score: ").put(std::uint64_t{answer.score}).put("\r\n");
  const std::string_view label = answer.label_zh.empty() ? answer.label_en.view() : answer.label_zh.view();
  if (!label.empty()) out.put("X-Pandun-Label: ").put(label).put("\r\n");
}

Departure Responder::allowed(const Arrival& in, const Trunk& trunk, const decide::Answer& answer, Writer& out) {
  if (trunk.allow == Allow::kProxy) return pass_on(in, trunk, &answer, out);
  switch (trunk.allow) {
    case Allow::kServiceUnavailable:
      begin(in, 503, "Service Unavailable", out);
      break;
    case Allow::kNotFound:
      begin(in, 404, "Not Found", out);
      break;
    default: {
      // Never the Request-URI itself (section 8.3): another host, and the verdict as a parameter.
      begin(in, 302, "Moved Temporarily", out);
      out.put("Contact: <sip:");
      std::string_view user = message_->target.user;
      if (!user.empty()) out.put(user).put("@");
      out.put(trunk.next.text).put(";verdict=").put(decide::name(answer.verdict));
      bool found = false;
      if (message_->target.scheme == Scheme::kTel || parameter(message_->target.params, "user", found) == "phone")
        out.put(";user=phone");
      out.put(">\r\n");
    }
  }
  verdict_headers(answer, out);
  return finish(in, trunk, out);
}

Departure Responder::rejected(const Arrival& in, const Trunk& trunk, const decide::Answer& answer, Writer& out) {
  if (answer.reason == decide::Reason::kIdentityRequired) {
    identity_refusal(in, out);
    verdict_headers(answer, out);
    return finish(in, trunk, out);
  }
  const decide::Basis basis = decide::info(answer.reason).basis;
  const bool fact = basis == decide::Basis::kFact || basis == decide::Basis::kCallee;
  Reject form = fact ? trunk.reject_fact : trunk.reject;
  // Who sends 608 on to a caller's side that does not know it must play an announcement (RFC 8688 section 3.2): we cannot.
  if (form == Reject::kRejected && message_->value(Name::kFeatureCaps).find("sip.608") == std::string_view::npos) {
    const bool plus = !trunk.redress_url.empty() || !trunk.redress_tel.empty() || !trunk.redress_email.empty();
    form = plus && !fact ? Reject::kNetworkBlocked : Reject::kDecline;
  }
  switch (form) {
    case Reject::kDecline:
      begin(in, 603, "Decline", out);
      break;
    case Reject::kNetworkBlocked:
      begin(in, 603, "Network Blocked", out);
      out.put("Reason: SIP;cause=603;text=\"v=analytics1");
      if (!trunk.redress_url.empty()) out.put(";url=").put(trunk.redress_url);
      if (!trunk.redress_tel.empty()) out.put(";tel=").put(trunk.redress_tel);
      if (!trunk.redress_email.empty()) out.put(";email=").put(trunk.redress_email);
      if (answer.id != 0) out.put(";id=").put(decide::decision_id(answer.id).view());
      out.put("\";location=").put(trunk.blocked_at).put("\r\n");
      break;
    case Reject::kRejected:
      begin(in, 608, "Rejected", out);
      out.put("Call-Info: <").put(trunk.jcard_url).put(">;purpose=jwscard\r\n");
      break;
    case Reject::kForbidden:
      begin(in, 403, "Forbidden", out);
      break;
    case Reject::kNotFound:
      begin(in, 404, "Not Found", out);
      break;
    case Reject::kUnavailable:
      begin(in, 480, "Temporarily Unavailable", out);
      break;
    case Reject::kBusy:
      begin(in, 486, "Busy Here", out);
      break;
  }
  verdict_headers(answer, out);
  return finish(in, trunk, out);
}

Departure Responder::plain(const Arrival& in, const Trunk& trunk, std::uint16_t status, std::string_view reason,
                           std::string_view more, Writer& out) {
  begin(in, status, reason, out);
  out.put(more);
  return finish(in, trunk, out);
}

void Responder::begin(const Arrival& in, std::uint16_t status, std::string_view reason, Writer& out) {
  out.put("SIP/2.0 ").put(std::uint64_t{status}).put(" ").put(reason).put("\r\n");
  const std::uint16_t first_via = message_->first[static_cast<std::size_t>(Name::kVia)];
  for (std::size_t i = first_via; i != 0 && i <= message_->vias_end; ++i) {
    const Field& field = message_->fields[i - 1];
    if (field.name != Name::kVia) continue;
    out.put("Via: ");
    if (i == first_via && message_->via_count != 0) {
      top_via(in, out);
      const char* const behind = message_->via.text.data() + message_->via.text.size();
      out.put(field.value.substr(static_cast<std::size_t>(behind - field.value.data())));
    } else {
      out.put(field.value);
    }
    out.put("\r\n");
  }
  if (const Field* const from = message_->find(Name::kFrom)) out.put("From: ").put(from->value).put("\r\n");
  if (const Field* const to = message_->find(Name::kTo)) {
    out.put("To: ").put(to->value);
    if (message_->to.tag.empty()) out.put(";tag=pd").hex(to_tag());
    out.put("\r\n");
  }
  if (const Field* const id = message_->find(Name::kCallId)) out.put("Call-ID: ").put(id->value).put("\r\n");
  if (const Field* const cseq = message_->find(Name::kCSeq)) out.put("CSeq: ").put(cseq->value).put("\r\n");
}

// `received` is where it came from, whoever wrote what there before; `rport` the port (RFC 3261 section 18.2.1, RFC 3581).
void Responder::top_via(const Arrival& in, Writer& out, bool with_port) const {
  const Via& via = message_->via;
  const char* const begin = via.text.data();
  const char* const behind = via.sent_by.data() + via.sent_by.size();
  out.put({begin, static_cast<std::size_t>(behind - begin)});
  Cursor cursor({behind, static_cast<std::size_t>(via.text.data() + via.text.size() - behind)});
  bool had_received = false;
  while (cursor.take_spaced(';')) {
    const char* const from = cursor.at();
    const std::string_view name = cursor.take_while(kTokenChar);
    if (cursor.take_spaced('=') && cursor.take_quoted().empty())
      while (!cursor.done() && cursor.peek() != ';' && !is(cursor.peek(), kSpaceChar)) cursor.take(cursor.peek());
    if (same_word(name, "received")) {
      had_received = true;
    } else if (!same_word(name, "rport")) {
      out.put(";").put({from, static_cast<std::size_t>(cursor.at() - from)});
    }
  }
  std::string_view host = via.host;
  if (host.size() > 2 && host.front() == '[') host = host.substr(1, host.size() - 2);
  const auto written = model::IpAddress::parse(host);
  const bool same = written && *written == in.peer;
  if (same && (via.rport || with_port))
    out.put(";received=").put(host);
  else if (!same || had_received)
    out.put(";received=").put(in.peer.text());
  if (via.rport || with_port) out.put(";rport=").put(std::uint64_t{in.port});
}

Departure Responder::finish(const Arrival& in, const Trunk& trunk, Writer& out) {
  out.put("Content-Length: 0\r\n\r\n");
  if (!out.whole()) {
    figures_.add(Count::kTooLong);
    return {};
  }
  Departure departure{out.size(), in.peer, in.port};
  if (in.transport == Transport::kUdp && !trunk.reply_to_source_port && message_->via_count != 0 &&
      !message_->via.rport)
    departure.port = message_->via.port == 0 ? std::uint16_t{5060} : message_->via.port;
  return departure;
}

}  // namespace pandun::sip
