// An ESME made of the npm package `smpp`. Commands as JSON lines on stdin, one event a line on stdout:
//   {"do":"connect","port":N,"system_id":"…","password":"…"}  {"do":"submit","id":N,…PDU fields}  {"do":"many","from":N,"count":N,…}
//   {"do":"multi","id":N,"to":[…],…}  {"do":"data","id":N,…}  {"do":"enquire"}  {"do":"unbind"}
const readline = require('readline');
const smpp = require('smpp');

const say = (event) => console.log(JSON.stringify(event));
let session = null;

function answered(id) {
  return (pdu) => say({ event: 'answer', id, status: pdu.command_status, message_id: pdu.message_id || '',
    refused: (pdu.unsuccess_sme || []).map((u) => u.destination_addr) });
}
function fields(command) {
  const { do: _, id, from, count, text_hex, ...rest } = command;
  if (rest.short_message && rest.short_message.udh) rest.short_message.udh = Buffer.from(rest.short_message.udh, 'hex');
  if (text_hex !== undefined) rest.short_message = Buffer.from(text_hex, 'hex');
  return rest;
}
const acts = {
  connect({ port, system_id, password }) {
    session = smpp.connect({ host: '127.0.0.1', port });
    session.on('connect', () => session.bind_transceiver({ system_id, password },
      (pdu) => say({ event: 'bound', status: pdu.command_status, system_id: pdu.system_id || '' })));
    session.on('deliver_sm', (pdu) => {
      say({ event: 'deliver', from: pdu.source_addr, esm_class: pdu.esm_class, text: pdu.short_message.message });
      session.send(pdu.response());
    });
    session.on('unbind', (pdu) => { say({ event: 'unbind' }); session.send(pdu.response()); });
    session.on('enquire_link', (pdu) => session.send(pdu.response()));
    session.on('error', (e) => say({ event: 'error', message: e.message }));
    session.on('close', () => say({ event: 'close' }));
  },
  submit(command) { session.submit_sm(fields(command), answered(command.id)); },
  many(command) {
    for (let i = 0; i < command.count; ++i) {
      const id = command.from + i;
      session.submit_sm({ ...fields(command), short_message: `m${id}` }, answered(id));
    }
  },
  multi(command) {
    const { to, ...rest } = fields(command);
    session.submit_multi({ ...rest, dest_address: to.map((number) => ({ dest_addr_ton: 1, dest_addr_npi: 1, destination_addr: number })) },
      answered(command.id));
  },
  data(command) { session.data_sm(fields(command), answered(command.id)); },
  enquire() { session.enquire_link((pdu) => say({ event: 'alive', status: pdu.command_status })); },
  unbind() { session.unbind(() => { say({ event: 'unbound' }); session.close(); }); },
};
readline.createInterface({ input: process.stdin }).on('line', (line) => {
  const command = JSON.parse(line);
  acts[command.do](command);
}).on('close', () => process.exit(0));
