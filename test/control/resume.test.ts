import t from 'tap';
import { planResume } from '../../control/agents/resume.ts';

const known = { epoch: 3, commandSeq: 10, ackedSeq: 8, eventSeq: 50 };
const host = { epoch: 3, commandSeq: 8, events: { first: 40, last: 60 } };

t.test('a host that stands where it was goes on', async (t) => {
  t.same(planResume(known, host), { epoch: 3, ackedSeq: 8, isRenumbered: false, incident: null });
});

t.test('a host that has commands whose acknowledgement was lost goes on after them', async (t) => {
  t.same(planResume(known, { ...host, commandSeq: 10 }), {
    epoch: 3,
    ackedSeq: 10,
    isRenumbered: false,
    incident: null,
  });
});

t.test('a host that has not seen the newest epoch goes on', async (t) => {
  t.same(planResume(known, { ...host, epoch: 2 }), { epoch: 3, ackedSeq: 8, isRenumbered: false, incident: null });
});

t.test('F27: a host with fewer commands than it acknowledged was rolled back', async (t) => {
  const plan = { epoch: 4, ackedSeq: 5, isRenumbered: true, incident: 'host_rolled_back' };
  t.same(planResume(known, { ...host, commandSeq: 5 }), plan);
});

t.test('F27: so was one with fewer events than it has told', async (t) => {
  const plan = { epoch: 4, ackedSeq: 8, isRenumbered: false, incident: 'host_rolled_back' };
  t.same(planResume(known, { ...host, events: { first: 1, last: 49 } }), plan);
});

t.test('F35: a host with more commands than were given meets a restored control plane', async (t) => {
  const plan = { epoch: 4, ackedSeq: 11, isRenumbered: true, incident: 'control_restored' };
  t.same(planResume(known, { ...host, commandSeq: 11 }), plan);
});

t.test('F35: so does one that has seen a higher epoch, which is outdone', async (t) => {
  const plan = { epoch: 8, ackedSeq: 9, isRenumbered: false, incident: 'control_restored' };
  t.same(planResume(known, { ...host, epoch: 7, commandSeq: 9 }), plan);
});

t.test('F35: so does one that a restored control plane has not met since, though its numbers fit', async (t) => {
  const plan = { epoch: 4, ackedSeq: 9, isRenumbered: true, incident: 'control_restored' };
  t.same(planResume(known, { ...host, commandSeq: 9 }, true), plan, 'its ninth command is not the one given here');
});
