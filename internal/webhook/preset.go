package webhook

import (
	"embed"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"
)

// presetFiles are mappings as a config has them.
//
//go:embed sources
var presetFiles embed.FS

// Presets lists the mappings that are built in.
func Presets() []string {
	files, _ := presetFiles.ReadDir("sources") // embedded: it is there
	names := make([]string, len(files))
	for i, file := range files {
		names[i] = strings.TrimSuffix(file.Name(), ".yaml")
	}
	slices.Sort(names)
	return names
}

// Preset returns a mapping that is built in.
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
