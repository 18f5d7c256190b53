package config

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/wecomq/wecomq/internal/webhook"
	"github.com/wecomq/wecomq/message"
	"github.com/wecomq/wecomq/tasks"
)

// readWebhooks reads the section of webhooks.
func readWebhooks(s *section, apps map[string]*App) webhook.Config {
	cfg := webhook.DefaultConfig()
	cfg.Type = optional(s, "type", cfg.Type, webhookType)
	cfg.Priority = optional(s, "priority", cfg.Priority, priority)
	cfg.Resolve = optional(s, "resolve", cfg.Resolve, webhookResolve)
	cfg.Dedup = optional(s, "dedup", cfg.Dedup, duration(webhook.MinDedup, webhook.MaxDedup))
	cfg.Timezone = optional(s, "timezone", cfg.Timezone, timezone)
	cfg.Severity = readSeverity(s.section("severity"), cfg.Severity)
	cfg.Labels = readRecipientLabels(s.section("labels"), cfg.Labels)
	cfg.Digest = readDigest(s.section("digest"), cfg.Digest)
	cfg.Grafana = readSignature(s.section("grafana"), cfg.Grafana)
	cfg.Templates = readTemplates(s.section("templates"))
	cfg.Sources = readSources(s.section("sources"))
	names := slices.Sorted(maps.Keys(apps))
	for _, item := range s.sections("routes") {
		cfg.Routes = append(cfg.Routes, readRoute(item, names, cfg))
	}
	s.rejectUnknown()
	return cfg
}

func readSeverity(s *section, severity webhook.Severity) webhook.Severity {
	severity.Label = optional(s, "label", severity.Label, nonEmpty[string])
	if order := readTexts(s, "order"); len(order) > 0 {
		severity.Order = order
	}
	const most = 20
	if len(severity.Order) > most {
		s.fail(s.at("order"), "%d severities, at most %d", len(severity.Order), most)
	}
	s.rejectUnknown()
	return severity
}

func readRecipientLabels(s *section, labels webhook.RecipientLabels) webhook.RecipientLabels {
	anything := func(text string) (string, error) { return text, nil }
	labels.ToUser = optional(s, "to_user", labels.ToUser, anything)
	labels.ToParty = optional(s, "to_party", labels.ToParty, anything)
	labels.ToTag = optional(s, "to_tag", labels.ToTag, anything)
	s.rejectUnknown()
	return labels
}

func readDigest(s *section, digest webhook.Digest) webhook.Digest {
	digest.After = optional(s, "after", digest.After, upTo(webhook.MaxDigestAfter))
	digest.Window = optional(s, "window", digest.Window, duration(webhook.MinDigestWindow, webhook.MaxDigestWindow))
	s.rejectUnknown()
	return digest
}

func readSignature(s *section, signature webhook.Signature) webhook.Signature {
	signature.Secret = optional(s, "secret", "", oneLine)
	s.holdsSecret = s.holdsSecret || (signature.Secret != "" && s.literal("secret"))
	signature.Header = optional(s, "header", signature.Header, nonEmpty[string])
	signature.TimestampHeader = optional(s, "timestamp_header", signature.TimestampHeader, nonEmpty[string])
	signature.MaxAge = optional(s, "max_age", signature.MaxAge, duration(time.Second, 24*time.Hour))
	s.rejectUnknown()
	return signature
}

// readTemplates reads the files that replace built-in templates, and tries them.
func readTemplates(s *section) map[string]webhook.Template {
	var templates map[string]webhook.Template
	for _, name := range webhook.TemplateNames() {
		v := s.get(name)
		if !v.set {
			continue
		}
		file, err := readFile(s.resolve(v.text))
		template := webhook.Template{File: v.text, Source: string(file.content)}
		if err == nil {
			err = webhook.CheckTemplate(name, template)
		}
		if err != nil {
			s.fail(v.place, "%v", err)
			continue
		}
		if templates == nil {
			templates = map[string]webhook.Template{}
		}
		templates[name] = template
	}
	s.rejectUnknown()
	return templates
}

func readRoute(s *section, apps []string, fallback webhook.Config) webhook.Route {
	route := webhook.Route{
		App:      optional(s, "app", "", choice(apps)),
		Matchers: readMatchers(s),
		To: message.Recipients{
			Users: readTexts(s, "to_user"), Parties: readTexts(s, "to_party"), Tags: readTexts(s, "to_tag"),
		},
		Type:     optional(s, "type", "", webhookType),
		Priority: optional(s, "priority", "", priority),
		Resolve:  optional(s, "resolve", "", webhookResolve),
	}
	digest := readDigest(s.section("digest"), fallback.Digest)
	if _, ok := s.entries["digest"]; ok {
		route.Digest = &digest
	}
	if kind := cmp.Or(route.Type, fallback.Type); route.Resolve == webhook.ResolveUpdate && kind != message.TypeTemplateCard {
		s.fail(s.at("resolve"), "%s changes cards, and the type here is %s (set type: %s)", route.Resolve, kind, message.TypeTemplateCard)
	}
	checkRecipients(s, route.To)
	s.rejectUnknown()
	return route
}

// readMatchers reads a list of matchers; without any the route matches every alert.
func readMatchers(s *section) []webhook.Matcher {
	var matchers []webhook.Matcher
	for _, v := range s.texts("match") {
		if v.failed {
			continue
		}
		parsed, err := webhook.ParseMatchers(v.text)
		if err != nil {
			s.fail(v.place, "%v", err)
		}
		matchers = append(matchers, parsed...)
	}
	return matchers
}

// checkRecipients requires at least one recipient, and only valid ones.
func checkRecipients(s *section, to message.Recipients) {
	names := map[string]string{"touser": "to_user", "toparty": "to_party", "totag": "to_tag"}
	if s.broken {
		return
	}
	if to.Count() == 0 {
		s.fail(s.place, "nobody is named (set to_user, to_party or to_tag)")
		return
	}
	if invalid, ok := errors.AsType[*message.ValidationError](webhook.ValidateRecipients(to)); ok {
		for _, field := range invalid.Fields {
			s.fail(s.at(names[field.Field]), "%s", field.Problem)
		}
	}
}

// readTexts reads a list of non-empty texts.
func readTexts(s *section, key string) []string {
	var texts []string
	for _, v := range s.texts(key) {
		if !v.failed && strings.TrimSpace(v.text) == "" {
			s.fail(v.place, "empty")
		}
		if v.text != "" {
			texts = append(texts, v.text)
		}
	}
	return texts
}

func webhookType(text string) (message.Type, error) {
	types := webhook.Types()
	words := make([]string, len(types))
	for i, t := range types {
		words[i] = string(t)
	}
	word, err := choice(words)(text)
	return message.Type(word), err
}

func webhookResolve(text string) (webhook.Resolve, error) {
	words := make([]string, len(webhook.Resolves()))
	for i, r := range webhook.Resolves() {
		words[i] = string(r)
	}
	word, err := choice(words)(text)
	return webhook.Resolve(word), err
}

func priority(text string) (tasks.Priority, error) {
	words := make([]string, len(tasks.Priorities()))
	for i, p := range tasks.Priorities() {
		words[i] = string(p)
	}
	word, err := choice(words)(text)
	return tasks.Priority(word), err
}

func timezone(text string) (string, error) {
	_, err := webhook.ParseZone(text)
	return text, err
}

// upTo accepts a whole number from 0 to most.
func upTo(most int) func(string) (int, error) {
	return func(text string) (int, error) {
		n, err := strconv.Atoi(text)
		if err != nil || n < 0 || n > most {
			return 0, fmt.Errorf("%q is not a whole number from 0 to %d", text, most)
		}
		return n, nil
	}
}
