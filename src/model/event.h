// An event: one thing that a switch, probe, log or feed says happened. Plain data, one fixed-size record.
//
// Units    event time in ms UTC; durations in the unit their name carries; -1 / kUnknown where the record does not say.
// Shape    Event is trivially copyable. Its string_views point into the arenas that its EventBatch keeps alive.
// Life     a source fills `time`, `source`, `record`, the payload and the *_text fields; ingest fills keys, normalises
//          names, sets `position` and `watermark`, and clears the *_text fields. Nothing behind ingest reads *_text.
// Threads  a batch has one owner at a time; arenas are immutable once the batch is handed on.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>
#include <variant>
#include <vector>

#include "base/time.h"
#include "model/arena.h"
#include "model/ip.h"
#include "model/number.h"

namespace pandun::model {

// The order is the order of Payload's alternatives and of kEventKindNames; values are stored, so only append.
enum class EventKind : std::uint8_t {
  kCall,
  kMessage,
  kFlow,
  kDns,
  kHttp,
  kTls,
  kFile,
  kLogin,
  kSighting,
  kOpening,
  kCellReport,
  kCallProgress
};
inline constexpr std::size_t kEventKinds = 12;
std::string_view name(EventKind kind);  // "call", "message", "flow", …

enum class Answered : std::uint8_t { kUnknown, kNo, kYes };

struct Call {
  std::string_view caller_text, callee_text;  // as written; source only
  NumberKey caller, callee;                   // ingest
  std::string_view caller_device;             // IMEI or the feed's own opaque id; empty = unknown
  std::string_view caller_cell, callee_cell;
  std::string_view route;           // trunk name
  std::int32_t duration_s = -1;     // conversation time
  std::int16_t release_cause = -1;  // ITU-T Q.850
  Answered answered = Answered::kUnknown;
  bool international = false;  // the feed's `kind` says so
  bool roaming = false;        // likewise: the caller was abroad
  std::int16_t ring_s = -1;    // from the callee's ringing to the answer or the end
  std::string_view callee_device;
};

struct Message {
  std::string_view sender_text, recipient_text;
  NumberKey sender, recipient;
  std::string_view sender_device, sender_cell, route;
  std::int32_t segments = 1;
  bool international = false;
  // Of a business sender's registered template, or of a message that its recipient reported; never made here from text.
  std::string_view template_hash;
  std::string_view link_domain;  // of a link in it, from the same two; normalised like Dns::query
};

// How far a connection got. From Zeek's conn_state / EVE flow.state, reduced to what detectors ask.
enum class FlowState : std::uint8_t {
  kUnknown,
  kAttempted,    // no answer (S0, SHR)
  kRejected,     // refused (REJ, RSTO*/RSTR before data)
  kEstablished,  // both sides spoke
  kMidstream,    // seen from the middle only (OTH)
};

struct Flow {
  IpAddress src, dst;
  std::uint16_t src_port = 0, dst_port = 0;
  std::uint8_t protocol = 0;  // IANA: 6 TCP, 17 UDP, 1 ICMP, 58 ICMPv6
  FlowState state = FlowState::kUnknown;
  std::int64_t bytes_out = -1, bytes_in = -1;  // payload bytes from / to src
  std::int32_t packets_out = -1, packets_in = -1;
  std::int64_t duration_ms = -1;
  std::string_view service;  // "dns", "http", "ssl", …; empty = unknown
};

struct Dns {
  IpAddress client, server;
  std::string_view query;        // ingest: lower case, no trailing dot, A-labels
  std::string_view registrable;  // ingest: public suffix + 1 label, a suffix of `query`; empty if there is none
  std::string_view answers;      // separated by one space; addresses and names as logged
  std::uint16_t qtype = 0;       // IANA
  std::int16_t rcode = -1;       // 0 NOERROR, 3 NXDOMAIN, -1 no answer seen
};

struct Http {
  IpAddress client, server;
  std::uint16_t server_port = 0, status = 0;
  std::string_view method, host, uri, user_agent;  // host: ingest normalises like Dns::query
  std::string_view registrable;
  std::int64_t bytes_out = -1, bytes_in = -1;
};

struct Tls {
  IpAddress client, server;
  std::uint16_t server_port = 0;
  bool established = false;
  std::string_view sni;  // normalised like Dns::query
  std::string_view registrable;
  std::string_view ja3, ja3s;
  std::string_view certificate_sha1;  // or sha256, lower-case hex
};

struct File {
  IpAddress client, server;            // who received, who sent
  std::string_view sha256, sha1, md5;  // lower-case hex, any may be empty
  std::string_view mime, name;
  std::int64_t bytes = -1;
};

// A log-in attempt at a service (SSH, RDP, FTP…).
struct Login {
  IpAddress client, server;
  std::uint16_t server_port = 0;
  Answered succeeded = Answered::kUnknown;
  std::int32_t attempts = 1;
  std::string_view service;  // "ssh"
};

// Somebody else's finding: a Zeek notice, a Suricata signature alert.
struct Sighting {
  IpAddress client, server;
  std::uint16_t server_port = 0;
  std::int16_t severity = -1;  // as the peer graded it, 1 highest
  std::string_view name;       // note type or signature
  std::string_view category;
  std::string_view message;  // the peer's own words, cut to 256 bytes
};

// A number was handed to somebody: one line of the carrier's card register.
struct Opening {
  std::string_view number_text;
  NumberKey number;
  std::string_view holder;  // the register's keyed token of who holds it; never a name or an identity number
  std::string_view agent;   // the outlet's id; empty = unknown
  std::string_view plan;    // what it was opened as: "family", "enterprise", "iot"; empty = not said
};

// What a telephone found odd about a cell.
enum class CellOddity : std::uint8_t { kUnknownCell, kLacJump, kForced2g, kStrongSignal, kMessageFromIt };
std::string_view name(CellOddity oddity);  // "unknown_cell", "lac_jump", …

// A telephone (a protection app, a measurement report) saw a cell that the network does not know or that is not as it should be.
struct CellReport {
  std::string_view reporter_text, sender_text;  // as written; source only
  NumberKey reporter;                           // a number or the app's own token: all that is kept of who reports
  NumberKey sender;                             // shown by a message that came with it; withheld where there was none
  std::string_view cell;                        // as seen
  std::string_view near_cell;                   // the network's own cell before or beside it; empty = unknown
  CellOddity oddity = CellOddity::kUnknownCell;
};

// How far a call has come, as a switch tells while it lasts.
enum class CallStage : std::uint8_t { kAnswered, kLasts, kEnded };
std::string_view name(CallStage stage);  // "answered", "lasts", "ended"

// A switch or probe tells of a call before its record is written. The event's time is when it was told.
struct CallProgress {
  std::string_view caller_text, callee_text;  // as written; source only
  NumberKey caller, callee;                   // ingest
  std::string_view call;                      // the switch's own token for it, by which it can be asked to end it
  std::string_view route;                     // trunk name
  std::int32_t since_s = -1;                  // for how long it has been answered
  CallStage stage = CallStage::kLasts;
  bool international = false;  // the feed's `kind` says so
};

using Payload =
    std::variant<Call, Message, Flow, Dns, Http, Tls, File, Login, Sighting, Opening, CellReport, CallProgress>;

struct Event {
  EventMs time;
  EventMs watermark;           // ingest: largest event time up to and including this position
  std::uint64_t position = 0;  // ingest: 1, 2, 3 … in log order
  std::uint64_t record = 0;    // 1-based line or record number in its source
  std::uint32_t source = 0;    // id given by the stream's SourceNames
  bool late = false;           // ingest: arrived behind the stated lateness
  Payload payload;

  EventKind kind() const { return static_cast<EventKind>(payload.index()); }
  template <typename T>
  const T& as() const {
    return *std::get_if<T>(&payload);
  }
  template <typename T>
  T& as() {
    return *std::get_if<T>(&payload);
  }
};

struct EventBatch {
  std::vector<Event> events;
  std::vector<std::shared_ptr<const Arena>> arenas;  // what the events' string_views point into
};

}  // namespace pandun::model
