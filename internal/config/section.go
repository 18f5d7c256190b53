package config

import (
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml/ast"
)

// section is a mapping of the configuration. Each key that is read becomes a known key; rejectUnknown reports
// the others.
type section struct {
	*source
	place

	keys    []string // in the order of the file
	entries map[string]entry
	known   []string
	broken  bool // it is not a mapping, which has been reported
	// variables names the environment variable of each key, and is nil in a file.
	variables map[string]string
}

// entry is a value as written.
type entry struct {
	place

	node ast.Node // of a file
	text string   // of an environment variable
}

// newSection makes the section of a node, which is empty for a missing or null one.
func newSection(src *source, at place, node ast.Node) *section {
	s := &section{source: src, place: at, entries: map[string]entry{}}
	s.broken = !s.add(src.dealias(node), nil)
	return s
}

// add adds the keys of a mapping, except those that the mapping it is merged into has itself. It reports whether
// node is a mapping.
func (s *section) add(node ast.Node, own map[string]entry) bool {
	switch n := node.(type) {
	case nil, *ast.NullNode:
	case *ast.MappingNode:
		s.addAll(n.Values, own)
	case *ast.MappingValueNode:
		s.addAll([]*ast.MappingValueNode{n}, own)
	default:
		s.fail(s.place, "want a mapping of keys to values")
		return false
	}
	return true
}

func (s *section) addAll(values []*ast.MappingValueNode, own map[string]entry) {
	var merged []ast.Node
	for _, value := range values {
		if _, ok := value.Key.(*ast.MergeKeyNode); ok {
			merged = append(merged, value.Value)
			continue
		}
		token := value.Key.GetToken()
		key := token.Value
		at := place{line: token.Position.Line, field: s.path(key)}
		if _, ok := own[key]; ok {
			continue
		}
		if first, ok := s.entries[key]; ok {
			s.fail(at, "already set in line %d", first.line)
			continue
		}
		s.keys = append(s.keys, key)
		s.entries[key] = entry{place: at, node: s.dealias(value.Value)}
	}
	for _, node := range merged {
		s.merge(node)
	}
}

// merge adds the keys of a mapping, or of several in a list, that the section does not have yet.
func (s *section) merge(node ast.Node) {
	node = s.dealias(node)
	if list, ok := node.(*ast.SequenceNode); ok {
		for _, one := range list.Values {
			s.add(s.dealias(one), maps.Clone(s.entries))
		}
		return
	}
	s.add(node, maps.Clone(s.entries))
}

// path is the name of a key in error messages.
func (s *section) path(key string) string {
	switch {
	case s.variables != nil:
		return s.variables[key]
	case s.field == "":
		return key
	}
	return s.field + "." + key
}

// at is the place of a key, or of the section if the key is missing.
func (s *section) at(key string) place {
	if e, ok := s.entries[key]; ok {
		return e.place
	}
	return place{line: s.line, field: s.path(key)}
}

// section returns the mapping under a key.
func (s *section) section(key string) *section {
	s.known = append(s.known, key)
	nested := newSection(s.source, s.at(key), s.entries[key].node)
	nested.broken = nested.broken || s.broken
	return nested
}

// sections returns the mappings in the list under a key.
func (s *section) sections(key string) []*section {
	var sections []*section
	for _, item := range s.items(key) {
		sections = append(sections, newSection(s.source, item.place, item.node))
	}
	return sections
}

// texts returns the scalars in the list under a key.
func (s *section) texts(key string) []setting {
	var texts []setting
	for _, item := range s.items(key) {
		texts = append(texts, s.scalar(item))
	}
	return texts
}

func (s *section) items(key string) []entry {
	s.known = append(s.known, key)
	var nodes []ast.Node
	switch n := s.entries[key].node.(type) {
	case nil, *ast.NullNode:
	case *ast.SequenceNode:
		nodes = n.Values
	default:
		s.fail(s.at(key), "want a list")
	}
	items := make([]entry, len(nodes))
	for i, node := range nodes {
		node = s.dealias(node)
		at := place{line: lineOf(node, s.at(key).line), field: s.path(key) + "[" + strconv.Itoa(i) + "]"}
		items[i] = entry{place: at, node: node}
	}
	return items
}

// lineOf is the line of a node, or fallback for an empty item.
func lineOf(node ast.Node, fallback int) int {
	if mapping, ok := node.(*ast.MappingNode); ok && len(mapping.Values) > 0 {
		node = mapping.Values[0].Key
	}
	if node == nil || node.GetToken() == nil {
		return fallback
	}
	return node.GetToken().Position.Line
}

// rejectUnknown reports every key that was not read.
func (s *section) rejectUnknown() {
	for _, key := range s.keys {
		if !slices.Contains(s.known, key) {
			s.fail(s.at(key), "unknown key (known here: %s)", strings.Join(s.advertised(), ", "))
		}
	}
}

// advertised are the known keys without their _file forms.
func (s *section) advertised() []string {
	return slices.DeleteFunc(slices.Clone(s.known), func(key string) bool {
		return strings.HasSuffix(key, fileSuffix)
	})
}
