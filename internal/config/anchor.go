package config

import "github.com/goccy/go-yaml/ast"

// anchors resolves the aliases of a document. An alias may only name an anchor that has ended before it, so
// there are no cycles.
type anchors struct {
	src     *source
	byName  map[string]ast.Node
	aliases map[*ast.AliasNode]ast.Node
}

// findAnchors reads the anchors and aliases below a node.
func (s *source) findAnchors(body ast.Node) {
	if body == nil {
		return
	}
	a := &anchors{src: s, byName: map[string]ast.Node{}, aliases: map[*ast.AliasNode]ast.Node{}}
	ast.Walk(a, body)
	s.aliases = a.aliases
}

// Visit implements [ast.Visitor].
func (a *anchors) Visit(node ast.Node) ast.Visitor {
	switch n := node.(type) {
	case *ast.AnchorNode:
		ast.Walk(a, n.Value)
		a.byName[n.Name.GetToken().Value] = n.Value
		return nil
	case *ast.AliasNode:
		token := n.Value.GetToken()
		target, known := a.byName[token.Value]
		if !known {
			a.src.fail(place{line: token.Position.Line}, "no anchor &%s before the alias *%s", token.Value, token.Value)
		}
		a.aliases[n] = target
		return nil
	}
	return a
}

// dealias returns the node that an anchor or alias refers to, and any other node unchanged; nil for an alias
// without an anchor.
func (s *source) dealias(node ast.Node) ast.Node {
	for {
		switch n := node.(type) {
		case *ast.AnchorNode:
			node = n.Value
		case *ast.AliasNode:
			node = s.aliases[n]
		default:
			return node
		}
	}
}
