// The public types, rolled up. `npm run api` writes this file; do not edit it.

import { MemoryToolHandlers } from '@anthropic-ai/sdk/helpers/beta/memory';

import { MemoryStore, NamespaceView } from 'thermocline';

type Command<C extends keyof MemoryToolHandlers> = Parameters<MemoryToolHandlers[C]>[0];

declare class ThermoclineMemoryTool implements MemoryToolHandlers {
    #private;
    constructor(store: MemoryStore | NamespaceView);
    view({ path, view_range: range }: Command<'view'>): Promise<string>;
    create({ path, file_text: text }: Command<'create'>): Promise<string>;
    str_replace({ path, old_str, new_str }: Command<'str_replace'>): Promise<string>;
    insert({ path, insert_line: after, insert_text: inserted }: Command<'insert'>): Promise<string>;
    delete({ path }: Command<'delete'>): Promise<string>;
    rename({ old_path: from, new_path: to }: Command<'rename'>): Promise<string>;
}

export { ThermoclineMemoryTool };
