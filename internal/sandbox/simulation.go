package sandbox

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"

	"github.com/goccy/go-yaml"

	"github.com/wecomq/wecomq/internal/textfile"
	"github.com/wecomq/wecomq/wecom/wecomtest"
)

// simulation is the content of a file of rules.
type simulation struct {
	wecomtest.Rules

	Faults []wecomtest.Fault `json:"faults"`
}

// NewSimulator returns a simulator with the rules and faults of a file, YAML or JSON; without a file it follows
// WeCom's own rules.
func NewSimulator(file string) (*wecomtest.Simulator, error) {
	var s simulation
	if file != "" {
		if err := s.read(file); err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
	}
	sim, err := wecomtest.New(s.Rules)
	if err != nil {
		return nil, err
	}
	for i, fault := range s.Faults {
		if err := sim.AddFault(fault); err != nil {
			return nil, fmt.Errorf("faults[%d]: %w", i, err)
		}
	}
	return sim, nil
}

func (s *simulation) read(path string) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	text = textfile.TrimMark(text)
	if len(bytes.TrimSpace(text)) == 0 {
		return nil
	}
	inJSON, err := yaml.YAMLToJSON(text)
	if err != nil {
		return fmt.Errorf("%s", yaml.FormatError(err, false, true))
	}
	decoder := json.NewDecoder(bytes.NewReader(inJSON))
	decoder.DisallowUnknownFields()
	return decoder.Decode(s)
}
