// The tar that the image of the restore container is made of, as the tar of this machine reads it.
import { execFileSync } from 'node:child_process';
import t from 'tap';
import { imageName, toolImage } from '../../agent/backup/folders/tool-image.ts';

const list = (archive: Buffer) =>
  execFileSync('tar', ['-tvf', '-'], { input: archive, encoding: 'utf8' })
    .trim()
    .split('\n')
    .map((line) => line.replace(/ .* \d\d:\d\d /, ' '));

t.test('the folders of programs are links where the host has links, and empty where they are its own', async (t) => {
  const archive = toolImage([
    { name: 'bin', target: 'usr/bin' },
    { name: 'lib64', target: null },
  ]);
  t.strictSame(list(archive), ['drwxr-xr-x usr/', 'lrwxr-xr-x bin -> usr/bin', 'drwxr-xr-x lib64/']);
});

t.test('the same host gives the same image, another kind of host another', async (t) => {
  const merged = [{ name: 'bin', target: 'usr/bin' }];
  t.equal(imageName(merged), imageName([...merged]));
  t.not(imageName(merged), imageName([{ name: 'bin', target: null }]));
});
