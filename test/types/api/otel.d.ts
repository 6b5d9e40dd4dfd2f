// The public types, rolled up. `npm run api` writes this file; do not edit it.

import { TracerProvider, MeterProvider } from '@opentelemetry/api';

import { MemoryStore } from 'thermocline';

type MeasuredStore = Pick<MemoryStore, 'stats'>;

interface RunningTelemetry extends Disposable {
    stop(): void;
}

interface TelemetryOptions {
    readonly stores?: Readonly<Record<string, MeasuredStore>> | undefined;
    readonly namespaces?: boolean | undefined;
    readonly background?: boolean | undefined;
    readonly tracerProvider?: TracerProvider | undefined;
    readonly meterProvider?: MeterProvider | undefined;
}

declare function startTelemetry(options?: TelemetryOptions): RunningTelemetry;

export { startTelemetry };

export type { MeasuredStore, RunningTelemetry, TelemetryOptions };
