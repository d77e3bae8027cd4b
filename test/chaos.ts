// `npm run chaos [-- ROUNDS]`: the rounds of test/e2e/crash.test.ts, 200 a victim unless told otherwise.
import { VICTIMS, clearScene, playRound, setScene } from './support/chaos.ts';

const rounds = Number(process.argv[2] ?? 200);
let broken = 0;
for (const victim of VICTIMS) {
  const scene = await setScene(victim);
  for (let number = 0; number < rounds; number++) {
    const { moment, jobState, faults } = await playRound(scene, number);
    broken += faults.length ? 1 : 0;
    console.log(
      `${victim} ${number + 1}/${rounds}: killed ${moment}, job ${jobState}${faults.map((f) => `\n  ${f}`).join('')}`,
    );
  }
  await clearScene(scene);
}
console.log(`${rounds * VICTIMS.length - broken} rounds held, ${broken} broke a rule`);
process.exitCode = broken ? 1 : 0;
