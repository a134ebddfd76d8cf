// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only

// OpenTelemetry's Go SDK as a sender, like sender.py: main BATCHES SPANS [bad]. With bad each batch also has a span of no
// ids, which is not printed.
package main

import (
	"context"
	"fmt"
	"log"
	"os"
	"strconv"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"
)

// Spans are exported a batch at a time, when told.
type held struct{ spans []sdk.ReadOnlySpan }

func (h *held) ExportSpans(_ context.Context, spans []sdk.ReadOnlySpan) error {
	h.spans = append(h.spans, spans...)
	return nil
}

func (h *held) Shutdown(context.Context) error { return nil }

func number(i int) int {
	n, err := strconv.Atoi(os.Args[i])
	if err != nil {
		log.Fatal(err)
	}
	return n
}

func main() {
	background := context.Background()
	exporter, err := otlptracehttp.New(background)
	if err != nil {
		log.Fatal(err)
	}
	h := &held{}
	tracer := sdk.NewTracerProvider(sdk.WithSyncer(h)).Tracer("sender")
	for batch := 0; batch < number(1); batch++ {
		inside, root := tracer.Start(background, fmt.Sprintf("batch %d", batch), trace.WithSpanKind(trace.SpanKindClient))
		root.SetAttributes(attribute.String("text", "wire \u00e9 \U0001f4e1"), attribute.Int64Slice("numbers", []int64{1, 2, 3}))
		for i := 0; i < number(2)-1; i++ {
			_, span := tracer.Start(inside, fmt.Sprintf("span %d", i))
			span.AddEvent("event", trace.WithAttributes(attribute.Float64("real", 0.5)))
			span.End()
		}
		root.End()
		batch := h.spans
		if len(os.Args) > 3 {
			batch = append(batch, tracetest.SpanStub{Name: "bad"}.Snapshot())
		}
		if err := exporter.ExportSpans(background, batch); err != nil {
			log.Fatal(err)
		}
		for _, span := range h.spans {
			parent := ""
			if span.Parent().HasSpanID() {
				parent = span.Parent().SpanID().String()
			}
			fmt.Printf("%s|%s|%s|%s|%d|%d\n", span.SpanContext().TraceID(), span.SpanContext().SpanID(), parent,
				span.Name(), span.StartTime().UnixNano(), span.EndTime().UnixNano())
		}
		h.spans = nil
	}
}
