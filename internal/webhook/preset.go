package webhook

import (
	"embed"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"
)

// presetFiles are mappings in the form of the config.
//
//go:embed sources
var presetFiles embed.FS

// Presets lists the built-in mappings.
func Presets() []string {
	files, _ := presetFiles.ReadDir("sources") // embedded: the directory exists
	names := make([]string, len(files))
	for i, file := range files {
		names[i] = strings.TrimSuffix(file.Name(), ".yaml")
	}
	slices.Sort(names)
	return names
}

// Preset returns a built-in mapping.
func Preset(name string) (Mapping, bool) {
	if !slices.Contains(Presets(), name) {
		return Mapping{}, false
	}
	text, err := presetFiles.ReadFile("sources/" + name + ".yaml")
	var m Mapping
	if err == nil {
		err = yaml.UnmarshalWithOptions(text, &m, yaml.Strict())
	}
	return m, err == nil
}
