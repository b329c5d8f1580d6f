// What a switch does for every call: asks, by HTTP with a token of its own or by SIP, knowing the clear number that rings.
import { randomBytes } from 'node:crypto';
import { createSocket } from 'node:dgram';

const CALLEE = '13900001111';
const T1_MS = 500; // RFC 3261: an unanswered request is sent again after this
const PATIENCE_MS = 8000;

// { verdict, reason, measure, decision }
export async function askByHttp(url, token, caller) {
  const response = await fetch(`${url}/api/v1/decisions/call`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', Authorization: `Bearer ${token}` },
    body: JSON.stringify({ caller, callee: CALLEE }),
  });
  if (response.status !== 200) throw new Error(`the switch was answered ${response.status}: ${await response.text()}`);
  const answer = await response.json();
  return { ...answer, decision: answer.decision_id };
}

// { status, verdict, reason, decision }: an INVITE of its own each time, as a new call is.
export function askBySip(port, caller) {
  return new Promise((resolve, reject) => {
    const socket = createSocket('udp4');
    const call = randomBytes(9).toString('hex');
    let again;
    const end = (finish, value) => {
      clearTimeout(again);
      clearTimeout(limit);
      socket.close();
      finish(value);
    };
    const limit = setTimeout(() => end(reject, new Error(`the SIP door did not answer within ${PATIENCE_MS} ms`)), PATIENCE_MS);
    socket.on('error', (error) => end(reject, error));
    socket.on('message', (bytes) => {
      const [start, ...lines] = bytes.toString('utf8').split('\r\n\r\n')[0].split('\r\n');
      const status = Number(/^SIP\/2\.0 (\d{3})/.exec(start)?.[1]);
      if (status < 200) return;
      const header = (name) => lines.find((line) => line.toLowerCase().startsWith(`${name.toLowerCase()}:`))?.slice(name.length + 1).trim() ?? '';
      end(resolve, { status, verdict: header('X-Pandun-Verdict'), reason: header('X-Pandun-Reason'), decision: header('X-Pandun-Decision') });
    });
    socket.bind(0, '127.0.0.1', () => {
      const own = `127.0.0.1:${socket.address().port}`;
      const invite = [
        `INVITE sip:${CALLEE}@127.0.0.1:${port} SIP/2.0`,
        `Via: SIP/2.0/UDP ${own};branch=z9hG4bK${call};rport`,
        'Max-Forwards: 70',
        `From: <sip:${caller}@127.0.0.1>;tag=${call.slice(0, 8)}`,
        `To: <sip:${CALLEE}@127.0.0.1>`,
        `Call-ID: ${call}@127.0.0.1`,
        'CSeq: 1 INVITE',
        `Contact: <sip:switch@${own}>`,
        'Content-Length: 0',
        '',
        '',
      ].join('\r\n');
      const send = (wait) => {
        socket.send(invite, port, '127.0.0.1');
        again = setTimeout(() => send(wait * 2), wait);
      };
      send(T1_MS);
    });
  });
}
