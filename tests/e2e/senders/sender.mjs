// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
// OpenTelemetry's JavaScript SDK as a sender, like sender.py: sender.mjs proto|http BATCHES SPANS [bad]; http is JSON. With
// bad each batch also has a span whose id is too short, which is not printed.
import { context, diag, DiagConsoleLogger, DiagLogLevel, SpanKind, trace } from "@opentelemetry/api";
import { BasicTracerProvider, SimpleSpanProcessor } from "@opentelemetry/sdk-trace-base";

const [, , encoding, batches, count, bad] = process.argv;
diag.setLogger(new DiagConsoleLogger(), DiagLogLevel.WARN);
const { OTLPTraceExporter } = await import(`@opentelemetry/exporter-trace-otlp-${encoding}`);

// Spans are exported a batch at a time, when told.
let held = [];
const holder = {
	export(spans, done) {
		held.push(...spans);
		done({ code: 0 });
	},
	shutdown: async () => {},
};
const exporter = new OTLPTraceExporter();
const tracer = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(holder)] }).getTracer("sender", "1.0");
const nanoseconds = ([seconds, rest]) => BigInt(seconds) * 1000000000n + BigInt(rest);

// The same span, but for its id.
const shortened = (span) =>
	Object.create(span, { name: { value: "bad" }, spanContext: { value: () => ({ ...span.spanContext(), spanId: "0b" }) } });

for (let batch = 0; batch < batches; batch++) {
	const root = tracer.startSpan(`batch ${batch}`, { kind: SpanKind.CLIENT });
	root.setAttributes({ text: "wire \u00e9 \u{1f4e1}", numbers: [1, 2, 3] });
	for (let i = 0; i < count - 1; i++) {
		const span = tracer.startSpan(`span ${i}`, {}, trace.setSpan(context.active(), root));
		span.addEvent("event", { real: 0.5 });
		span.end();
	}
	root.end();
	await new Promise((resolve) => setImmediate(resolve));
	await new Promise((resolve, reject) =>
		exporter.export(bad ? [...held, shortened(held[0])] : held, (result) => (result.code ? reject(result.error ?? new Error("failed")) : resolve())),
	);
	for (const span of held) {
		const { traceId, spanId } = span.spanContext();
		const parent = span.parentSpanContext?.spanId ?? "";
		console.log([traceId, spanId, parent, span.name, nanoseconds(span.startTime), nanoseconds(span.endTime)].join("|"));
	}
	held = [];
}
