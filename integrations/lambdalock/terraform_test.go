package main

import (
	"os"
	"strings"
	"testing"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclparse"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
)

// A part is a block of main.tf.
type part struct {
	t *testing.T
	*hclsyntax.Block
}

func readTerraform(t *testing.T) stack {
	t.Helper()
	s := stack{tables: map[string]table{}}
	for _, p := range terraform(t) {
		switch strings.Join(append([]string{p.Type}, p.Labels...), " ") {
		case "resource aws_dynamodb_table locks", "resource aws_dynamodb_table prices":
			made := table{billing: p.text("billing_mode"), protected: p.value("deletion_protection_enabled").True()}
			for _, b := range p.parts("attribute") {
				if b.text("name") == p.text("hash_key") {
					made.keys = append(made.keys, b.text("name")+" "+b.text("type")+" HASH")
				}
			}
			for _, b := range p.parts("ttl") {
				made.ttl = b.text("attribute_name")
			}
			s.tables[p.Labels[1]] = made
		case "data aws_iam_policy_document import":
			for _, b := range p.parts("statement") {
				g := grant{b.refers("resources"), b.texts("actions"), nil}
				for _, c := range b.parts("condition") {
					if c.text("test") == "ForAllValues:StringEquals" && c.text("variable") == "dynamodb:LeadingKeys" {
						g.keys = c.texts("values")
					}
				}
				s.grants = append(s.grants, g)
			}
		}
	}
	return s
}

func terraform(t *testing.T) []part {
	t.Helper()
	text, err := os.ReadFile("main.tf")
	must(t, err)
	file, wrong := hclparse.NewParser().ParseHCL(text, "main.tf")
	if wrong.HasErrors() {
		t.Fatal(wrong)
	}
	return part{t, &hclsyntax.Block{Body: file.Body.(*hclsyntax.Body)}}.parts("")
}

// parts are the inner blocks of that type, or all.
func (p part) parts(kind string) (found []part) {
	for _, b := range p.Body.Blocks {
		if kind == "" || b.Type == kind {
			found = append(found, part{p.t, b})
		}
	}
	return found
}

func (p part) value(name string) cty.Value {
	p.t.Helper()
	v, wrong := p.Body.Attributes[name].Expr.Value(nil)
	if wrong.HasErrors() {
		p.t.Fatal(wrong)
	}
	return v
}

func (p part) text(name string) string { return p.value(name).AsString() }

func (p part) texts(name string) (list words) {
	for _, v := range p.value(name).AsValueSlice() {
		list = append(list, v.AsString())
	}
	return list
}

// refers gives the name of the one resource that an attribute is about.
func (p part) refers(name string) string {
	p.t.Helper()
	to := p.Body.Attributes[name].Expr.Variables()
	if len(to) != 1 {
		p.t.Fatalf("%s refers to %d things", name, len(to))
	}
	return to[0][1].(hcl.TraverseAttr).Name
}

// Each reference of main.tf leads to a block of it.
func TestTerraformReferences(t *testing.T) {
	there, seen := map[string]bool{}, 0
	all := terraform(t)
	for _, p := range all {
		switch p.Type {
		case "resource":
			there[strings.Join(p.Labels, ".")] = true
		case "data":
			there["data."+strings.Join(p.Labels, ".")] = true
		}
	}
	for _, p := range all {
		wrong := hclsyntax.VisitAll(p.Body, func(n hclsyntax.Node) hcl.Diagnostics {
			e, ok := n.(*hclsyntax.ScopeTraversalExpr)
			if !ok || e.Traversal.RootName() == "path" {
				return nil
			}
			names := []string{e.Traversal.RootName()}
			for _, step := range e.Traversal[1:] {
				names = append(names, step.(hcl.TraverseAttr).Name)
			}
			if to := strings.Join(names[:len(names)-1], "."); !there[to] {
				t.Errorf("%s: nothing is called %s", e.SrcRange, to)
			}
			seen++
			return nil
		})
		if wrong.HasErrors() {
			t.Error(wrong)
		}
	}
	if seen < 5 {
		t.Errorf("only %d references found", seen)
	}
}
