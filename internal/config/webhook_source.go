package config

import (
	"fmt"
	"maps"

	"github.com/wecomq/wecomq/internal/webhook"
)

// maxSources bounds the sources, because each has metric series for every app.
const maxSources = 50

// readSources reads the mappings of the sources.
func readSources(s *section) map[webhook.Source]webhook.Mapping {
	var sources map[webhook.Source]webhook.Mapping
	for _, name := range s.keys {
		nested := s.section(name)
		if err := webhook.CheckSourceName(name); err != nil {
			s.fail(s.at(name), "%v", err)
			continue
		}
		if sources == nil {
			sources = map[webhook.Source]webhook.Mapping{}
		}
		sources[webhook.Source(name)] = readMapping(nested, name)
	}
	if len(sources) > maxSources {
		s.fail(s.place, "%d sources, at most %d", len(sources), maxSources)
	}
	return sources
}

// readMapping reads one source. It starts from the preset that it names, or the one with its own name.
func readMapping(s *section, name string) webhook.Mapping {
	mapping, _ := webhook.Preset(name)
	mapping = optional(s, "preset", mapping, preset)
	for _, text := range mapping.Texts() {
		*text.At = optional(s, text.Key, *text.At, sourceText)
	}
	labels := s.section("labels")
	mapping.Labels = maps.Clone(mapping.Labels)
	for _, label := range labels.keys {
		if mapping.Labels == nil {
			mapping.Labels = map[string]string{}
		}
		mapping.Labels[label] = optional(labels, label, "", sourceText)
	}
	s.rejectUnknown()
	return mapping
}

func preset(name string) (webhook.Mapping, error) {
	if _, err := choice(webhook.Presets())(name); err != nil {
		return webhook.Mapping{}, err
	}
	mapping, ok := webhook.Preset(name)
	if !ok {
		return webhook.Mapping{}, fmt.Errorf("the preset %s is broken", name)
	}
	return mapping, nil
}

func sourceText(text string) (string, error) { return text, webhook.CheckText(text) }
