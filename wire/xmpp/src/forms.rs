//! Data forms (XEP-0004).

use nightjar_text::Text;
use nightjar_xml::ElementRef;

use crate::ns;
use crate::stanza_error::StanzaError;
use crate::write::{self, Sink};

#[cfg(test)]
mod tests;

/// What a form is for (§3.1).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum FormType {
    Form,
    Submit,
    Cancel,
    Result,
}

/// What a field holds (§3.3).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum FieldType {
    Boolean,
    Fixed,
    Hidden,
    JidMulti,
    JidSingle,
    ListMulti,
    ListSingle,
    TextMulti,
    TextPrivate,
    TextSingle,
}

/// A data form.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct DataForm {
    pub kind: FormType,
    pub title: Option<String>,
    pub instructions: Vec<String>,
    pub fields: Vec<Field>,
    /// Columns of a table of results (§3.4).
    pub reported: Vec<Field>,
    /// Rows of a table of results.
    pub items: Vec<Vec<Field>>,
}

/// One field of a form.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Field {
    /// Empty for fixed text.
    pub var: String,
    pub kind: Option<FieldType>,
    pub label: Option<String>,
    pub description: Option<String>,
    pub required: bool,
    pub values: Vec<String>,
    /// Label and value of each choice.
    pub options: Vec<(Option<String>, String)>,
    /// Complete elements of other namespaces (media, validation).
    pub extensions: Option<Text>,
}

impl FormType {
    /// The attribute's value.
    pub fn as_str(self) -> &'static str {
        match self {
            FormType::Form => "form",
            FormType::Submit => "submit",
            FormType::Cancel => "cancel",
            FormType::Result => "result",
        }
    }

    fn parse(value: &str) -> Option<FormType> {
        [FormType::Form, FormType::Submit, FormType::Cancel, FormType::Result]
            .into_iter()
            .find(|kind| kind.as_str() == value)
    }
}

impl FieldType {
    const ALL: [FieldType; 10] = [
        FieldType::Boolean,
        FieldType::Fixed,
        FieldType::Hidden,
        FieldType::JidMulti,
        FieldType::JidSingle,
        FieldType::ListMulti,
        FieldType::ListSingle,
        FieldType::TextMulti,
        FieldType::TextPrivate,
        FieldType::TextSingle,
    ];

    /// The attribute's value.
    pub fn as_str(self) -> &'static str {
        match self {
            FieldType::Boolean => "boolean",
            FieldType::Fixed => "fixed",
            FieldType::Hidden => "hidden",
            FieldType::JidMulti => "jid-multi",
            FieldType::JidSingle => "jid-single",
            FieldType::ListMulti => "list-multi",
            FieldType::ListSingle => "list-single",
            FieldType::TextMulti => "text-multi",
            FieldType::TextPrivate => "text-private",
            FieldType::TextSingle => "text-single",
        }
    }

    fn parse(value: &str) -> Option<FieldType> {
        FieldType::ALL.into_iter().find(|kind| kind.as_str() == value)
    }
}

impl DataForm {
    /// An empty form.
    pub fn new(kind: FormType) -> DataForm {
        DataForm {
            kind,
            title: None,
            instructions: Vec::new(),
            fields: Vec::new(),
            reported: Vec::new(),
            items: Vec::new(),
        }
    }

    /// An empty form whose hidden field `FORM_TYPE` says what its fields mean (XEP-0068).
    pub fn typed(kind: FormType, form_type: &str) -> DataForm {
        DataForm::new(kind).with(Field::hidden("FORM_TYPE", form_type))
    }

    /// With this field behind the others.
    #[must_use]
    pub fn with(mut self, field: Field) -> DataForm {
        self.fields.push(field);
        self
    }

    /// The form inside an element; `None` when there is none.
    ///
    /// # Errors
    /// `bad-request` if it is not a valid form.
    pub fn of(parent: ElementRef<'_>) -> Result<Option<DataForm>, StanzaError> {
        parent.child("x", ns::DATA_FORMS).map(DataForm::from_element).transpose()
    }

    /// Reads an `<x xmlns='jabber:x:data'/>`.
    ///
    /// # Errors
    /// `bad-request` if its type is missing or unknown, or a field of a submitted form has no name.
    pub fn from_element(element: ElementRef<'_>) -> Result<DataForm, StanzaError> {
        let kind = element.attr("type").and_then(|kind| FormType::parse(&kind));
        let mut form = DataForm::new(kind.ok_or_else(StanzaError::bad_request)?);
        for child in element.children().filter(|child| child.ns() == ns::DATA_FORMS) {
            match child.name() {
                "title" => form.title = Some(child.text().into_owned()),
                "instructions" => form.instructions.push(child.text().into_owned()),
                "field" => form.fields.push(Field::from_element(child)),
                "reported" => form.reported = fields_of(child),
                "item" => form.items.push(fields_of(child)),
                _ => {}
            }
        }
        let nameless = |field: &Field| field.var.is_empty() && field.kind != Some(FieldType::Fixed);
        if form.kind == FormType::Submit && form.fields.iter().any(nameless) {
            return Err(StanzaError::bad_request());
        }
        Ok(form)
    }

    /// What the hidden field `FORM_TYPE` says (XEP-0068).
    pub fn form_type(&self) -> Option<&str> {
        self.value("FORM_TYPE")
    }

    /// The field of this name.
    pub fn field(&self, var: &str) -> Option<&Field> {
        self.fields.iter().find(|field| field.var == var)
    }

    /// The first value of the field of this name.
    pub fn value(&self, var: &str) -> Option<&str> {
        self.field(var)?.values.first().map(String::as_str)
    }

    /// All values of the field of this name; empty if there is none.
    pub fn values(&self, var: &str) -> &[String] {
        self.field(var).map_or(&[], |field| &field.values)
    }

    /// The field of this name as XEP-0004 §3.3 writes booleans; `None` if it is missing or no boolean.
    pub fn boolean(&self, var: &str) -> Option<bool> {
        match self.value(var)? {
            "1" | "true" => Some(true),
            "0" | "false" => Some(false),
            _ => None,
        }
    }

    /// Writes the `<x/>`.
    pub fn write<S: Sink>(&self, out: &mut S) {
        out.put("<x");
        write::attribute(out, "xmlns", ns::DATA_FORMS);
        write::attribute(out, "type", self.kind.as_str());
        out.put(">");
        if let Some(title) = &self.title {
            write::text_element(out, "title", title);
        }
        self.instructions.iter().for_each(|line| write::text_element(out, "instructions", line));
        self.fields.iter().for_each(|field| field.write(out));
        if !self.reported.is_empty() {
            write_fields(out, "reported", &self.reported);
        }
        self.items.iter().for_each(|item| write_fields(out, "item", item));
        out.put("</x>");
    }

    /// The `<x/>` element.
    pub fn to_xml(&self) -> Text {
        let mut out = String::new();
        self.write(&mut out);
        Text::from(out)
    }
}

impl Field {
    /// A field of this type and name without values.
    pub fn new(kind: FieldType, var: &str) -> Field {
        Field { var: var.to_owned(), kind: Some(kind), ..Field::default() }
    }

    /// A hidden field.
    pub fn hidden(var: &str, value: &str) -> Field {
        Field::new(FieldType::Hidden, var).with_value(value)
    }

    /// A field without a type, as submitted forms and results have them.
    pub fn plain(var: &str, value: &str) -> Field {
        Field { var: var.to_owned(), values: vec![value.to_owned()], ..Field::default() }
    }

    /// A boolean field.
    pub fn boolean(var: &str, value: bool) -> Field {
        Field::new(FieldType::Boolean, var).with_value(if value { "1" } else { "0" })
    }

    /// With this value behind the others.
    #[must_use]
    pub fn with_value(mut self, value: impl Into<String>) -> Field {
        self.values.push(value.into());
        self
    }

    /// With this label.
    #[must_use]
    pub fn with_label(mut self, label: impl Into<String>) -> Field {
        self.label = Some(label.into());
        self
    }

    /// With this choice behind the others.
    #[must_use]
    pub fn with_option(mut self, label: Option<&str>, value: impl Into<String>) -> Field {
        self.options.push((label.map(str::to_owned), value.into()));
        self
    }

    /// Marked as one that must be filled in.
    #[must_use]
    pub fn required(mut self) -> Field {
        self.required = true;
        self
    }

    fn from_element(element: ElementRef<'_>) -> Field {
        let owned = |name| element.attr(name).map(|value| value.into_owned());
        let mut field = Field {
            var: owned("var").unwrap_or_default(),
            kind: element.attr("type").and_then(|kind| FieldType::parse(&kind)),
            label: owned("label"),
            ..Field::default()
        };
        let mut extensions = String::new();
        for child in element.children() {
            match (child.ns(), child.name()) {
                (ns::DATA_FORMS, "value") => field.values.push(child.text().into_owned()),
                (ns::DATA_FORMS, "desc") => field.description = Some(child.text().into_owned()),
                (ns::DATA_FORMS, "required") => field.required = true,
                (ns::DATA_FORMS, "option") => {
                    let value = child.child("value", ns::DATA_FORMS).map(|value| value.text().into_owned());
                    let label = child.attr("label").map(|label| label.into_owned());
                    field.options.push((label, value.unwrap_or_default()));
                }
                (ns::DATA_FORMS, _) => {}
                _ => extensions.push_str(&child.raw()),
            }
        }
        field.extensions = Some(extensions).filter(|xml| !xml.is_empty()).map(Text::from);
        field
    }

    fn write<S: Sink>(&self, out: &mut S) {
        out.put("<field");
        write::attribute_if(out, "var", Some(self.var.as_str()).filter(|var| !var.is_empty()));
        write::attribute_if(out, "type", self.kind.map(FieldType::as_str));
        write::attribute_if(out, "label", self.label.as_deref());
        out.put(">");
        if let Some(description) = &self.description {
            write::text_element(out, "desc", description);
        }
        if self.required {
            out.put("<required/>");
        }
        self.values.iter().for_each(|value| write::text_element(out, "value", value));
        for (label, value) in &self.options {
            out.put("<option");
            write::attribute_if(out, "label", label.as_deref());
            out.put(">");
            write::text_element(out, "value", value);
            out.put("</option>");
        }
        if let Some(extensions) = &self.extensions {
            out.put(extensions);
        }
        out.put("</field>");
    }
}

fn fields_of(parent: ElementRef<'_>) -> Vec<Field> {
    parent.children().filter(|child| child.name() == "field").map(Field::from_element).collect()
}

fn write_fields<S: Sink>(out: &mut S, name: &str, fields: &[Field]) {
    out.put("<");
    out.put(name);
    out.put(">");
    fields.iter().for_each(|field| field.write(out));
    out.put("</");
    out.put(name);
    out.put(">");
}
