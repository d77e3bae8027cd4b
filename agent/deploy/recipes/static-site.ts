// A folder of files with an index.html.
import { FILE_SERVER_COMMAND, FILE_SERVER_ENV, FILE_SERVER_PORT, fileServer } from './file-server.ts';
import type { Draft, Language, Repository } from './recipe.ts';

const FOLDERS = ['.', 'public', 'dist', 'site'];

export const staticSite: Language = {
  name: 'static site',
  markers: ['index.html'],
  words: [],
  draft({ files }: Repository, hasProcfile): Draft | undefined {
    if (hasProcfile) return undefined; // its command needs a language, not a file server
    const folder = FOLDERS.find((one) => files.has(indexOf(one)));
    if (folder === undefined) return undefined;
    return {
      found: [indexOf(folder)],
      stages: [fileServer(JSON.stringify([folder, '/srv']), false)],
      env: FILE_SERVER_ENV,
      port: FILE_SERVER_PORT,
      command: FILE_SERVER_COMMAND,
    };
  },
};

const indexOf = (folder: string): string => (folder === '.' ? 'index.html' : `${folder}/index.html`);
