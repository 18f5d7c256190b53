package worker_test

import (
	"context"
	"strings"
	"testing"

	"github.com/hibiken/asynq"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"

	"github.com/wecomq/wecomq/producer"
	"github.com/wecomq/wecomq/tasks"
	"github.com/wecomq/wecomq/wecom/wecomtest"
	"github.com/wecomq/wecomq/worker"
)

// traced is a bundle whose producer and worker trace into one memory, each by a
// provider of its own, as two processes do.
type traced struct {
	*bundle
	spans *tracetest.InMemoryExporter
}

func newTraced(t *testing.T) *traced {
	t.Helper()
	b := &traced{newBundle(t, wecomtest.Rules{}), tracetest.NewInMemoryExporter()}
	var err error
	b.producer, err = producer.New(b.rdb, producer.Config{App: "ops", TracerProvider: b.provider()})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func (b *traced) provider() *sdktrace.TracerProvider {
	p := sdktrace.NewTracerProvider(sdktrace.WithSyncer(b.spans))
	b.Cleanup(func() { _ = p.Shutdown(context.Background()) })
	return p
}

// work runs a worker until n messages have ended, and gives their spans by name.
func (b *traced) work(n int) map[string][]tracetest.SpanStub {
	b.Helper()
	w, err := worker.New(worker.Config{
		Redis: b.rdb, Apps: []worker.App{b.app}, TracerProvider: b.provider(), OnSettled: func(r tasks.Record) { b.settled <- r },
	})
	if err != nil {
		b.Fatal(err)
	}
	ctx, cancel := context.WithCancel(b.Context())
	ended := make(chan error, 1)
	go func() { ended <- w.Run(ctx) }()
	for range n {
		b.next()
	}
	cancel()
	if err := <-ended; err != nil {
		b.Fatal(err)
	}
	spans := map[string][]tracetest.SpanStub{}
	for _, span := range b.spans.GetSpans() {
		spans[span.Name] = append(spans[span.Name], span)
	}
	return spans
}

func attributes(span tracetest.SpanStub) map[string]string {
	values := map[string]string{}
	for _, a := range span.Attributes {
		values[string(a.Key)] = a.Value.String()
	}
	return values
}

func TestOneTraceLeadsFromTheProducerToWeCom(t *testing.T) {
	t.Parallel()
	b := newTraced(t)
	b.fault(wecomtest.Fault{ErrCode: -1, Times: 1})
	receipt := b.send(text("zhangsan", "a secret plan"), producer.Options{Priority: tasks.Critical})
	spans := b.work(1)
	// The first attempt fails, the second does not.
	const process = "process ops:critical"
	for name, n := range map[string]int{"send ops:critical": 1, "wait": 1, process: 2, "admission": 2, "message/send": 2} {
		if len(spans[name]) != n {
			t.Fatalf("%d spans %q, want %d of all %v", len(spans[name]), name, n, spans)
		}
	}
	root := spans["send ops:critical"][0]
	parents := map[string]trace.SpanID{"wait": root.SpanContext.SpanID(), process: root.SpanContext.SpanID()}
	for name, list := range spans {
		for i, span := range list {
			if span.SpanContext.TraceID() != root.SpanContext.TraceID() {
				t.Errorf("%s is of another trace", name)
			}
			want, ok := parents[name]
			if !ok && name != root.Name {
				want = spans[process][i].SpanContext.SpanID()
			}
			if span.Parent.SpanID() != want {
				t.Errorf("%s %d has the parent %s, want %s", name, i, span.Parent.SpanID(), want)
			}
			told := attributes(span)
			if told["app"] != "ops" || told["message_id"] != receipt.ID || told["queue"] != "ops:critical" {
				t.Errorf("%s tells %v, want app, message and queue", name, told)
			}
			for _, value := range told {
				if strings.Contains(value, "zhangsan") || strings.Contains(value, "secret plan") {
					t.Errorf("%s tells %q", name, value)
				}
			}
		}
	}
	for i, errcode := range []string{"-1", "0"} {
		for _, name := range []string{process, "message/send"} {
			if got := attributes(spans[name][i])["errcode"]; got != errcode {
				t.Errorf("%s %d tells errcode %q, want %s", name, i, got, errcode)
			}
		}
	}
	if wait := spans["wait"][0]; wait.EndTime.Before(wait.StartTime) || spans[process][0].StartTime.Before(root.StartTime) {
		t.Errorf("wait from %s to %s: time goes back", wait.StartTime, wait.EndTime)
	}
}

func TestAMessageOfABatchHasATraceOfItsOwn(t *testing.T) {
	t.Parallel()
	b := newTraced(t)
	for _, result := range b.producer.SendBatch(t.Context(), []producer.Message{
		{Request: text("zhangsan", "one")}, {Request: text("lisi", "two")}, {Request: text("", "to nobody")},
	}) {
		if result.Err == nil && result.Receipt.ID == "" {
			t.Errorf("result %+v", result)
		}
	}
	ids := map[trace.TraceID]bool{}
	for _, span := range b.work(2)["message/send"] {
		ids[span.SpanContext.TraceID()] = true
	}
	if len(ids) != 2 {
		t.Errorf("%d traces, want one for each message that was enqueued", len(ids))
	}
}

// A program that traces passes its trace on through a producer that does not.
func TestTheCallersTraceGoesOn(t *testing.T) {
	t.Parallel()
	b := newTraced(t)
	var err error
	if b.producer, err = producer.New(b.rdb, producer.Config{App: "ops"}); err != nil {
		t.Fatal(err)
	}
	ctx, span := b.provider().Tracer("test").Start(t.Context(), "an alert rule")
	if _, err := b.producer.Send(ctx, text("zhangsan", "hello"), producer.Options{}); err != nil {
		t.Fatal(err)
	}
	span.End()
	for _, process := range b.work(1)["process ops:default"] {
		if process.Parent.SpanID() != span.SpanContext().SpanID() {
			t.Errorf("the parent is %s, want the caller's span", process.Parent.SpanID())
		}
	}
}

func TestWithoutAProviderNothingTravels(t *testing.T) {
	t.Parallel()
	b := newBundle(t, wecomtest.Rules{})
	receipt := b.send(text("zhangsan", "hello"), producer.Options{})
	info, err := asynq.NewInspectorFromRedisClient(b.rdb).GetTaskInfo(receipt.Queue, receipt.ID)
	if err != nil || len(info.Headers) > 0 {
		t.Errorf("headers %v, error %v; want none", info, err)
	}
}
