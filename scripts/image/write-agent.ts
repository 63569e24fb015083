/** `node scripts/image/write-agent.ts FOLDER`: what deploy/image/Dockerfile copies into its image beside Debian's packages. */
import { addAgent } from './add-agent.ts';

const [folder] = process.argv.slice(2);
if (folder === undefined) throw new Error('usage: node scripts/image/write-agent.ts FOLDER');
await addAgent(process.cwd(), folder);
