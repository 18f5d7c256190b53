package daemon

import (
	"context"
	"fmt"
	"time"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"

	"github.com/wecomq/wecomq/internal/config"
	"github.com/wecomq/wecomq/internal/fields"
)

// lastSpans is how long a process waits for the collector at its end.
const lastSpans = 5 * time.Second

// traces export the process's spans as OpenTelemetry's variables say. Without an endpoint
// there are none, and tracing costs nothing.
type traces struct {
	sdk      *sdktrace.TracerProvider
	shutdown func() error
}

// openTraces reads OTEL_EXPORTER_OTLP_ENDPOINT and related variables. The exporter and
// the SDK read the others from the environment themselves: headers, TLS, timeouts,
// OTEL_SERVICE_NAME, OTEL_TRACES_SAMPLER.
func openTraces(ctx context.Context, o Options) (*traces, error) {
	env := environment(o.LookupEnv)
	if !env.wantsTraces() {
		return &traces{}, nil
	}
	protocol := env.first("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL")
	if protocol != "" && protocol != "http/protobuf" {
		return nil, config.Errorf("OTEL_EXPORTER_OTLP_PROTOCOL: %q is not supported; use http/protobuf, port 4318 of most collectors", protocol)
	}
	exporter, err := otlptracehttp.New(ctx)
	if err != nil {
		return nil, config.Errorf("OTEL_EXPORTER_OTLP_ENDPOINT: %w", err)
	}
	// Later ones win: the environment may rename the service.
	self, err := resource.New(ctx, resource.WithTelemetrySDK(), resource.WithAttributes(
		attribute.String("service.name", "wecomq"), attribute.String("service.version", o.Version),
	), resource.WithFromEnv())
	if err != nil {
		return nil, config.Errorf("OTEL_RESOURCE_ATTRIBUTES: %w", err)
	}
	otel.SetErrorHandler(otel.ErrorHandlerFunc(func(err error) { // the SDK has no other way to report it
		o.Logger.Warn().Err(err).Str(fields.Component, "traces").Msg("traces are not exported")
	}))
	sdk := sdktrace.NewTracerProvider(sdktrace.WithBatcher(exporter), sdktrace.WithResource(self))
	return &traces{sdk, func() error {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), lastSpans)
		defer cancel()
		return sdk.Shutdown(ctx)
	}}, nil
}

// environment looks up a variable; a nil environment is empty.
type environment func(string) (string, bool)

func (env environment) wantsTraces() bool {
	if env.first("OTEL_SDK_DISABLED") == "true" || env.first("OTEL_TRACES_EXPORTER") == "none" {
		return false
	}
	return env.first("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT") != ""
}

// first is the first of these variables that is set and not empty.
func (env environment) first(names ...string) string {
	if env == nil {
		return ""
	}
	for _, name := range names {
		if value, _ := env(name); value != "" {
			return value
		}
	}
	return ""
}

// provider is nil if nothing is traced.
func (t *traces) provider() trace.TracerProvider {
	if t.sdk == nil {
		return nil
	}
	return t.sdk
}

// close exports the remaining spans.
func (t *traces) close() error {
	if t.sdk == nil {
		return nil
	}
	if err := t.shutdown(); err != nil {
		return fmt.Errorf("export the last spans: %w", err)
	}
	return nil
}
