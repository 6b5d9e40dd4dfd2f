/** Ids of entries: derived from the key where there is one, else new. */
import { v5 as uuidv5, v7 as uuidv7 } from 'uuid'

/** Root of the ids derived from keys. Fixed for ever: two backends must derive the same id. */
const KEY_ID_ROOT = '5f0c1c4e-6f0a-5c53-9d0f-0d1a52a3b8f1'

/** Answers the id of the entry with this key, which must be valid, in this namespace. */
export function idOfKey(namespace: string, key: string): string {
  // Neither part holds NUL, so no two pairs give the same name.
  return uuidv5(`${namespace}\0${key}`, KEY_ID_ROOT)
}

/** Answers an id that no other entry has. */
export function newId(): string {
  return uuidv7()
}
