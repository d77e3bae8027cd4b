// `npm run openapi`: writes docs/openapi.json anew. Read its diff: that is what changes for clients.
import { writeFileSync } from 'node:fs';
import { generateOpenApi, OPENAPI_FILE } from './openapi.ts';

writeFileSync(OPENAPI_FILE, await generateOpenApi());
