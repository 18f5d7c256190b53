package main

import (
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/wecomq/wecomq/wecom"
)

const runbookFile = "../../docs/operations.md"

var (
	heading   = regexp.MustCompile(`(?m)^#+ (.+)$`)
	anchor    = regexp.MustCompile(`\(#([a-z0-9-]+)\)`)
	shBlock   = regexp.MustCompile("(?ms)^```sh\n(.*?)^```$")
	inline    = regexp.MustCompile("`(wecomq [^`]+)`")
	explained = regexp.MustCompile(`wecomq explain (-?\d+)`)
	alternate = regexp.MustCompile(`[\s|…]+$`)
)

// anchors are GitHub's anchors of the headings.
func anchors(t *testing.T) []string {
	t.Helper()
	drop := regexp.MustCompile(`[^a-z0-9 -]`)
	var all []string
	for _, match := range heading.FindAllStringSubmatch(string(readFile(t, runbookFile)), -1) {
		all = append(all, strings.ReplaceAll(drop.ReplaceAllString(strings.ToLower(match[1]), ""), " ", "-"))
	}
	return all
}

func TestEveryAlertHasItsSectionInTheRunbook(t *testing.T) {
	t.Parallel()
	sections := anchors(t)
	for _, a := range alerts(t) {
		file, fragment, _ := strings.Cut(a.Annotations["runbook_url"], "#")
		if !strings.HasSuffix(file, "/docs/operations.md") || fragment != strings.ToLower(a.Alert) || !slices.Contains(sections, fragment) {
			t.Errorf("%s: %s leads to no section of its own", a.Alert, a.Annotations["runbook_url"])
		}
	}
	for _, match := range anchor.FindAllStringSubmatch(string(readFile(t, runbookFile)), -1) {
		if !slices.Contains(sections, match[1]) {
			t.Errorf("#%s leads to no section", match[1])
		}
	}
}

// commands are all commands in the runbook and the alerts.
func commands(t *testing.T) []string {
	t.Helper()
	text := string(readFile(t, runbookFile))
	var all []string
	for _, block := range shBlock.FindAllStringSubmatch(text, -1) {
		for line := range strings.Lines(block[1]) {
			all = append(all, strings.TrimSpace(strings.SplitN(line, "#", 2)[0]))
		}
	}
	for _, a := range alerts(t) {
		text += a.Annotations["description"]
	}
	for _, match := range inline.FindAllStringSubmatch(text, -1) {
		all = append(all, match[1])
	}
	return slices.DeleteFunc(all, func(command string) bool { return !strings.HasPrefix(command, "wecomq ") })
}

func TestEveryCommandOfTheRunbookExists(t *testing.T) {
	t.Parallel()
	found := commands(t)
	if len(found) < 30 {
		t.Fatalf("%d commands found in %s", len(found), runbookFile)
	}
	for _, line := range found {
		line = strings.NewReplacer("{{ $labels.app }}", "ops", "ERRCODE", "45009", "--errcode N", "--errcode 45009").Replace(alternate.ReplaceAllString(line, ""))
		root := newRoot(&globals{environment: environment{stdout: io.Discard, stderr: io.Discard}})
		cmd, args, err := root.Find(strings.Fields(line)[1:])
		if err != nil || cmd == root {
			t.Errorf("%s: there is no such command (%v)", line, err)
			continue
		}
		if err := cmd.ParseFlags(args); err != nil && !strings.Contains(err.Error(), "needs an argument") { // a flag that is only named
			t.Errorf("%s: %v", line, err)
			continue
		}
		// A group's name alone, as in `wecomq dead`, refers to the group.
		if rest := cmd.Flags().Args(); cmd.HasSubCommands() && len(rest) > 0 {
			t.Errorf("%s: %s has no command %s", line, cmd.CommandPath(), rest[0])
		}
	}
}

func TestTheRunbookExplainsCodesThatAreKnown(t *testing.T) {
	t.Parallel()
	text := string(readFile(t, runbookFile))
	for _, match := range explained.FindAllStringSubmatch(text, -1) {
		if !knownCode(match[1]) {
			t.Errorf("%s: wecomq knows no such errcode", match[0])
		}
	}
	begin := strings.Index(text, "### Errcodes")
	table := text[begin : begin+strings.Index(text[begin:], "### Common tasks")]
	for _, class := range wecom.Codes() {
		// Every class has its row; that of unknown outcomes is "no answer".
		if name := class.Class().String(); name != "ok" && !strings.Contains(table, "\n| "+name) {
			t.Errorf("class %s has no row", name)
		}
	}
}

func knownCode(text string) bool {
	return slices.ContainsFunc(wecom.Codes(), func(c wecom.Code) bool { return text == strconv.Itoa(int(c)) })
}
