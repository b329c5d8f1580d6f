// An SMSC made of the npm package `smpp`: accepts binds with the right password, writes each message it accepts to a journal and only
// then acknowledges it; sends a delivery receipt when one is asked for.
// usage: node smsc.js JOURNAL [delay_ms]; prints its port. Lines on stdin: "deliver FROM TO TEXT", "die".
const fs = require('fs');
const readline = require('readline');
const smpp = require('smpp');

const journal = fs.openSync(process.argv[2], 'a');
const delay = Number(process.argv[3] || 0);
const note = (...words) => fs.writeSync(journal, words.join('\t') + '\n');
const sessions = new Set();
let next = 1;

const server = smpp.createServer((session) => {
  sessions.add(session);
  session.on('error', () => {});
  session.on('close', () => sessions.delete(session));
  const bind = (pdu) => {
    const good = pdu.password === 'secret';
    session.send(pdu.response({ command_status: good ? 0 : smpp.ESME_RINVPASWD, system_id: 'peer' }));
    note('bind', pdu.system_id, good);
  };
  session.on('bind_transceiver', bind);
  session.on('bind_transmitter', bind);
  session.on('bind_receiver', bind);
  session.on('enquire_link', (pdu) => session.send(pdu.response()));
  session.on('unbind', (pdu) => { session.send(pdu.response()); session.close(); });
  const submit = (pdu) => setTimeout(() => {
    const id = String(next++);
    const held = [pdu.short_message, pdu.message_payload].map((f) => (f && f.message !== undefined ? f.message : f));
    const text = held[0] && held[0].length ? held[0] : held[1];
    if (String(text).startsWith('refuse')) return session.send(pdu.response({ command_status: smpp.ESME_RMSGQFUL }));
    note('accepted', id, pdu.source_addr, pdu.destination_addr, Buffer.isBuffer(text) ? text.toString('hex') : text);
    fs.fsyncSync(journal);
    session.send(pdu.response({ message_id: id }));
    if (pdu.registered_delivery) {
      session.deliver_sm({ esm_class: 4, source_addr: pdu.destination_addr, destination_addr: pdu.source_addr,
        short_message: `id:${id} sub:001 dlvrd:001 stat:DELIVRD` }, (answer) => note('receipt', id, answer.command_status));
    }
  }, delay * Math.random());
  session.on('submit_sm', submit);
  session.on('data_sm', submit);
  session.on('submit_multi', (pdu) => {
    const to = pdu.dest_address.map((d) => d.destination_addr);
    note('accepted', String(next), pdu.source_addr, to.join(','), pdu.short_message.message);
    session.send(pdu.response({ message_id: String(next++), unsuccess_sme: [] }));
  });
});
server.listen(Number(process.env.PORT || 0), '127.0.0.1', () => console.log(server.address().port));

readline.createInterface({ input: process.stdin }).on('line', (line) => {
  const [word, from, to, ...text] = line.split(' ');
  if (word === 'deliver') {
    for (const session of sessions) {
      session.deliver_sm({ source_addr: from, destination_addr: to, short_message: text.join(' ') },
        (answer) => note('delivered', from, answer.command_status));
    }
  } else if (word === 'die') {
    process.exit(1);
  }
}).on('close', () => process.exit(0));
