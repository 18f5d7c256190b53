package webhook

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// Matcher is a condition on one label, in Alertmanager's syntax. A missing label
// counts as empty.
type Matcher struct {
	Name  string
	Op    string // = != =~ !~
	Value string

	pattern *regexp.Regexp // of =~ and !~, anchored at both ends
}

// Equal reports whether both are the same condition.
func (m Matcher) Equal(other Matcher) bool {
	return m.Name == other.Name && m.Op == other.Op && m.Value == other.Value
}

// String returns the matcher in Alertmanager's syntax.
func (m Matcher) String() string { return m.Name + m.Op + strconv.Quote(m.Value) }

// Matches reports whether an alert with these labels meets the condition.
func (m Matcher) Matches(labels map[string]string) bool {
	value := labels[m.Name]
	switch m.Op {
	case "=":
		return value == m.Value
	case "!=":
		return value != m.Value
	case "=~":
		return m.pattern.MatchString(value)
	default:
		return !m.pattern.MatchString(value)
	}
}

// matcherPattern matches the first matcher of a list. Names and values may be quoted,
// and must be if they contain special characters.
var matcherPattern = regexp.MustCompile(`^\s*("(?:[^"\\]|\\.)*"|[^\s"=!~,{}]+)\s*(=~|!~|!=|=)\s*("(?:[^"\\]|\\.)*"|[^\s",{}]*)\s*(?:,|$)`)

// ParseMatchers parses one or more matchers, separated by commas and with or without
// braces around them: severity="critical", team=~"db|infra".
func ParseMatchers(text string) ([]Matcher, error) {
	rest := strings.TrimSpace(text)
	if strings.HasPrefix(rest, "{") && strings.HasSuffix(rest, "}") {
		rest = rest[1 : len(rest)-1]
	}
	var matchers []Matcher
	for strings.TrimSpace(rest) != "" {
		found := matcherPattern.FindStringSubmatch(rest)
		if found == nil {
			return nil, fmt.Errorf("%.80q is no matcher such as severity=\"critical\" (with =, !=, =~ or !~)", strings.TrimSpace(rest))
		}
		m, err := newMatcher(found[1], found[2], found[3])
		if err != nil {
			return nil, err
		}
		matchers = append(matchers, m)
		rest = rest[len(found[0]):]
	}
	if len(matchers) == 0 {
		return nil, errors.New("no matcher; write something like severity=\"critical\"")
	}
	return matchers, nil
}

func newMatcher(name, op, value string) (Matcher, error) {
	m := Matcher{Op: op}
	var err error
	if m.Name, err = unquote(name); err == nil {
		m.Value, err = unquote(value)
	}
	if err != nil {
		return Matcher{}, err
	}
	if m.Name == "" {
		return Matcher{}, fmt.Errorf("%s%s: the name of the label is missing", op, value)
	}
	if op == "=~" || op == "!~" {
		m.pattern, err = regexp.Compile("^(?:" + m.Value + ")$")
	}
	if err != nil {
		return Matcher{}, fmt.Errorf("%s%s%q: not a regular expression: %w", m.Name, op, m.Value, err)
	}
	return m, nil
}

// unquote removes quotes, if there are any.
func unquote(text string) (string, error) {
	if !strings.HasPrefix(text, `"`) {
		return text, nil
	}
	plain, err := strconv.Unquote(text)
	if err != nil {
		return "", fmt.Errorf("%s is not well quoted (in quotes, write \\\\ for a backslash)", text)
	}
	return plain, nil
}
