import { join } from 'node:path';
import { ClassicLevel } from 'classic-level';

const held: ClassicLevel[] = [];

/**
 * Takes the folder for this process, until the process ends. Returns false, and changes nothing, if
 * another process has the folder. The lock is that of a LevelDB, which is the operating system's:
 * a process that is killed holds it no longer.
 */
export async function lockFolder(folder: string): Promise<boolean> {
  const lock = new ClassicLevel(join(folder, 'lock'));
  try {
    await lock.open();
  } catch (error) {
    const { code } = (error as Error).cause as { readonly code?: string };
    if (code === 'LEVEL_LOCKED') return false;
    throw error;
  }
  held.push(lock);
  return true;
}
