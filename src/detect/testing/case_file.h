// Golden cases: a text file says why, what happens, and which alerts must (not) come of it.
//
//   why: an autodialler rings 120 strangers within half an hour; few pick up
//   config: calls_1h_min = 80                    option of the detector in whose folder the case stands;
//   config: port_scan.hosts_min = 20             or of any detector, by name
//   start: 2026-03-02T02:00:00Z                  default; a Monday, 10:00 in China
//   indicator: domain evil.example list=feed topic=c2 severity=80 confidence=0.9     (address, domain, url, hash)
//   service: 192.0.2.123 time                    (time update cdn resolver push monitoring; address or domain)
//   protected: +8613800000009 courier            protected group of a number; "service" = emergency or service number
//   suspected: +8613800000009                    known to be fraud, or with an open finding
//   traits: +8613800000009 iot cc=86 region=571 home        what the plan says, where the kit's own small plan would not;
//   traits: +3906* international cc=39 cannot_exist         * stands for the rest of the digits
//   model: bias=-4 threshold=0.8 calls_out_24h=0.05         a champion: the log-odds are the bias and the weighted features
//   without: shuffled  the order is what is tested        leaves one weather out, with the reason
//
//   +0s    call +8613800000001 -> +8613900000002 dur=8 answered device=A1 cell=C1 route=T1 cause=16 intl
//   +5s    msg  +8613800000001 -> +8613900000003 seg=1
//   +60s   progress +8613800000001 -> +8613900000002 id=77 since=60 lasts intl     (answered, lasts, ended)
//   @1h30m flow 10.0.0.1 -> 192.0.2.1:80/tcp established out=200 in=300 time=1500 service=http
//   dns 10.0.0.1 -> 10.0.0.53 query=evil.example registrable=evil.example type=1 rcode=0 answers=192.0.2.1,192.0.2.2
//   http 10.0.0.1 -> 192.0.2.1:80 GET host=evil.example uri=/x status=200 agent=curl out=1 in=2
//   tls 10.0.0.1 -> 192.0.2.1:443 established sni=evil.example ja3=… cert=…
//   file 10.0.0.1 <- 192.0.2.1 sha256=… sha1=… md5=… mime=… name=… bytes=10
//   login 10.0.0.1 -> 192.0.2.1:22 failed attempts=3 service=ssh
//   sighting 10.0.0.1 -> 192.0.2.1:80 name=Scan::Port_Scan severity=1
//   repeat 300 every 60s jitter 10% : call +8613800000001 -> +86139{i:08} unanswered
//   ----
//   burst_calling number +8613800000001 severity 60..79 evidence calls_out_1h,distinct_callees_1h
//   none                                         (instead of alerts: nothing may be found)
//
// Times    "+12s" is after the previous line's last event, "@12s" after the start; no time: together with the previous line.
//          Units ms s m h d, joined as in 1h30m. Events are sorted by time before they are numbered.
// {i}      0, 1, 2 … inside repeat; {i+5} {i*3} {i/4} {i%250}, joined left to right; {i:08} pads with zeros;
//          {r:0..255} is a random whole number, the same in every run.
// number   +86… E.164, up to 8 digits a service number, ?text one that cannot exist, - withheld, anything else opaque.
// flow     states: established attempted rejected midstream. call: answered unanswered, or neither.
// #        begins a comment line.
// Errors   parse_case reports every fault at once, each as file:line: what.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "detect/detector.h"
#include "model/event.h"

namespace pandun::detect::testing {

struct ExpectedAlert {
  std::string detector;
  model::EntityKind kind{};
  std::string entity;
  int severity_min = 0, severity_max = 100;
  std::vector<std::string> evidence;  // names, in the alert's order
};

struct Setting {
  std::string detector, option;  // detector empty: the folder's own
  double value = 0;
};
struct CaseIndicator {
  std::string kind, value, list, topic;
  std::uint8_t severity = 50;
  double confidence = 0.8;
};

struct CaseTraits {
  std::string number;  // its whole text, or the beginning of it with `prefix`
  bool prefix = false;
  NumberTraits traits;
};

struct CaseModel {
  double bias = 0, threshold = 0.5;
  std::vector<std::pair<std::string, double>> weights;  // by the feature's name
};

struct Case {
  std::string name;  // file name without .case
  std::string why;
  std::vector<Setting> settings;
  std::vector<CaseIndicator> indicators;
  std::optional<CaseModel> model;
  std::vector<std::pair<std::string, std::string>> services, protected_numbers;
  std::vector<std::string> suspects;
  std::vector<CaseTraits> traits;
  std::vector<std::pair<std::string, std::string>> without;  // weather, reason
  model::EventBatch events;                                  // sorted, positions from 1, watermark set
  std::vector<ExpectedAlert> expected;                       // empty: none
  std::string text_before_expected;                          // the file up to and including ----, for rewriting
};

Result<Case> parse_case(std::string_view text, const std::string& file, std::size_t events_max = 800'000);

}  // namespace pandun::detect::testing
