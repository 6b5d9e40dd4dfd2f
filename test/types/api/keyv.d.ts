// The public types, rolled up. `npm run api` writes this file; do not edit it.

import { EventEmitter } from 'node:events';

import { NamespaceView } from 'thermocline';

declare class KeyvThermocline extends EventEmitter {
    #private;
    readonly opts: Record<string, unknown>;
    constructor(view: NamespaceView);
    get namespace(): string | undefined;
    set namespace(namespace: string | undefined);
    get<Value>(key: string): Promise<Value | undefined>;
    getMany<Value>(keys: string[]): Promise<(Value | undefined)[]>;
    set(key: string, value: unknown, ttl?: number): Promise<boolean>;
    setMany(entries: {
        key: string;
        value: unknown;
        ttl?: number;
    }[]): Promise<void>;
    delete(key: string): Promise<boolean>;
    deleteMany(keys: string[]): Promise<boolean>;
    clear(): Promise<void>;
    has(key: string): Promise<boolean>;
    hasMany(keys: string[]): Promise<boolean[]>;
    iterator<Value>(namespace?: string): AsyncGenerator<(string | Awaited<Value> | undefined)[], void>;
    disconnect(): Promise<void>;
}

export { KeyvThermocline };
