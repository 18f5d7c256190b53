package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"slices"

	"github.com/spf13/cobra"

	"github.com/wecomq/wecomq/internal/config"
	"github.com/wecomq/wecomq/internal/printout"
	"github.com/wecomq/wecomq/internal/webhook"
	"github.com/wecomq/wecomq/message"
)

// templateRender has the flags of `wecomq template render`.
type templateRender struct {
	kind, source, template, file string
}

func newTemplateRender(g *globals) *cobra.Command {
	var f templateRender
	cmd := &cobra.Command{
		Use:   "render -f webhook.json",
		Short: "Render a webhook as a message",
		Long: `Prints the message for a webhook, as posted to WeCom, but without recipients. The
webhook is from Alertmanager, Grafana or, with --source, a source of the config or a
preset. It uses the config's templates, or the one given with --template. Nothing is
sent, and no Redis is needed.`,
		Example: "  wecomq template render -f webhook.json\n" +
			"  wecomq template render --source zabbix -o text -f zabbix.json\n" +
			"  wecomq template render --type textcard --template card.tmpl -o text -f webhook.json",
		Args: arguments(cobra.NoArgs),
		RunE: func(*cobra.Command, []string) error { return f.run(g) },
	}
	flags := cmd.Flags()
	flags.StringVarP(&f.file, "file", "f", "", "`FILE` with the body of the webhook, - for stdin (required)")
	flags.StringVar(&f.kind, "type", "", "markdown, text, textcard or template_card (default from the config)")
	flags.StringVar(&f.template, "template", "", "`FILE` with the template to use instead of the config's")
	flags.StringVar(&f.source, "source", "", "alertmanager, grafana, a source of the config or a preset (default: alertmanager or grafana, detected from the body)")
	return cmd
}

func (f templateRender) run(g *globals) error {
	cfg, err := f.config(g)
	if err != nil {
		return err
	}
	body, err := f.body(g)
	if err != nil {
		return err
	}
	notifications, err := cfg.Read(webhook.Source(f.source), body)
	switch {
	case errors.As(err, new(*webhook.UnknownSourceError)):
		return usagef("--source: %w", err)
	case errors.As(err, new(*webhook.SourceError)):
		return usagef("--source %w", err)
	case err != nil:
		return usagef("%s: %w", f.file, err)
	}
	renderer, err := webhook.NewRenderer(cfg)
	if err != nil {
		return &exitError{exitUsage, err}
	}
	for _, notification := range notifications {
		rendered, err := renderer.RenderStrictly(notification, cfg.Type)
		if err != nil {
			return &exitError{exitUsage, err}
		}
		if err := f.print(g, rendered); err != nil {
			return err
		}
	}
	return nil
}

// config is that of the file, if there is one, changed by the flags.
func (f templateRender) config(g *globals) (webhook.Config, error) {
	cfg := webhook.DefaultConfig()
	loaded, err := config.Load(g.configPath, g.lookupEnv)
	switch {
	case err == nil:
		cfg = loaded.Gateway.Webhooks
	case !errors.Is(err, config.ErrNone):
		return cfg, &exitError{exitUsage, err}
	}
	if f.kind != "" {
		cfg.Type = message.Type(f.kind)
	}
	if !slices.Contains(webhook.Types(), cfg.Type) {
		return cfg, usagef("--type: %q is not one of markdown, text, textcard, template_card", f.kind)
	}
	if f.template != "" {
		source, err := os.ReadFile(f.template)
		if err != nil {
			return cfg, usagef("--template: %w", err)
		}
		cfg.Templates = map[string]webhook.Template{string(cfg.Type): {File: f.template, Source: string(source)}}
	}
	return cfg, nil
}

func (f templateRender) body(g *globals) ([]byte, error) {
	if f.file == "" {
		return nil, usagef("-f: missing; name a file with the body of a webhook, or - for stdin")
	}
	in, err := g.openFile("-f", f.file)
	if err != nil {
		return nil, err
	}
	defer func() { _ = in.Close() }()
	body, err := io.ReadAll(io.LimitReader(in, webhook.MaxBodyBytes+1))
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", f.file, err)
	}
	if len(body) > webhook.MaxBodyBytes {
		return nil, usagef("%s: more than %d bytes", f.file, webhook.MaxBodyBytes)
	}
	return body, nil
}

// print prints the message as JSON, or with -o text as readable text.
func (f templateRender) print(g *globals, rendered webhook.Rendered) error {
	encoded, err := message.Encode(rendered.Request)
	if err != nil {
		return err
	}
	if g.output != "text" {
		_, err = fmt.Fprintf(g.stdout, "%s\n", encoded)
		return err
	}
	_, err = fmt.Fprintln(g.stdout, printout.Content(rendered.Request))
	return err
}
