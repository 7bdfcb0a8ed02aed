{{- define "paramsync.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" }}
{{- end }}

{{- define "paramsync.fullname" -}}
{{- $name := include "paramsync.name" . }}
{{- if .Values.fullnameOverride }}
{{- .Values.fullnameOverride | trunc 63 | trimSuffix "-" }}
{{- else if contains $name .Release.Name }}
{{- .Release.Name | trunc 63 | trimSuffix "-" }}
{{- else }}
{{- printf "%s-%s" .Release.Name $name | trunc 63 | trimSuffix "-" }}
{{- end }}
{{- end }}

{{- define "paramsync.selectorLabels" -}}
app.kubernetes.io/name: {{ include "paramsync.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "paramsync.labels" -}}
{{ include "paramsync.selectorLabels" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- with .Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{- define "paramsync.serviceAccountName" -}}
{{- if .Values.serviceAccount.create }}
{{- default (include "paramsync.fullname" .) .Values.serviceAccount.name }}
{{- else }}
{{- required "serviceAccount.name is required when serviceAccount.create is false" .Values.serviceAccount.name }}
{{- end }}
{{- end }}

{{- /* The name under which the API server knows the operator. */}}
{{- define "paramsync.username" -}}
system:serviceaccount:{{ .Release.Namespace }}:{{ include "paramsync.serviceAccountName" . }}
{{- end }}

{{- /* A list of strings as a CEL list. JSON's string syntax is valid in CEL. */}}
{{- define "paramsync.celList" -}}
{{- . | toRawJson }}
{{- end }}
