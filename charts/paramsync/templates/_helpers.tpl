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

{{- /* User names of all operators in this cluster, as a JSON list. */}}
{{- define "paramsync.operators" -}}
{{- concat (list (include "paramsync.username" .)) .Values.admissionPolicies.operators | uniq | toRawJson }}
{{- end }}

{{- /* Namespaces of the operators that run as a ServiceAccount, as a JSON list. */}}
{{- define "paramsync.operatorNamespaces" -}}
{{- $namespaces := list }}
{{- range include "paramsync.operators" . | fromJsonArray }}
{{- if hasPrefix "system:serviceaccount:" . }}
{{- $namespaces = append $namespaces (index (splitList ":" .) 2) }}
{{- end }}
{{- end }}
{{- $namespaces | uniq | toRawJson }}
{{- end }}

{{- /*
Whether a request comes from the control plane itself. Garbage collector, namespace controller and storage version
migrator run under accounts of kube-system; without --use-service-account-credentials all share one user name.
*/}}
{{- define "paramsync.controlPlane" -}}
(request.userInfo.username in ["system:kube-controller-manager", "system:apiserver"] || (has(request.userInfo.groups) && "system:serviceaccounts:kube-system" in request.userInfo.groups))
{{- end }}

{{- /*
A binding of a policy to everything. What is stated is put back by the next apply, where somebody narrowed it; what is
left out would stay narrowed.
*/}}
{{- define "paramsync.policyBinding" -}}
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicyBinding
metadata:
  name: {{ .name }}
  labels: {{- include "paramsync.labels" .root | nindent 4 }}
spec:
  policyName: {{ .name }}
  validationActions: {{- toYaml .actions | nindent 4 }}
  matchResources: {namespaceSelector: {}, objectSelector: {}, matchPolicy: Equivalent}
{{- end }}

{{- /*
The policies have names of their own, one for the whole cluster: they belong to one release, which lists the operators.
Helm refuses an object of another release, too, but cannot say what to do.
*/}}
{{- define "paramsync.ownsPolicy" -}}
{{- with lookup "admissionregistration.k8s.io/v1" "ValidatingAdmissionPolicy" "" .name }}
{{- $annotations := .metadata.annotations | default dict }}
{{- $release := index $annotations "meta.helm.sh/release-name" | default "" }}
{{- $namespace := index $annotations "meta.helm.sh/release-namespace" | default "" }}
{{- if and $release (or (ne $release $.root.Release.Name) (ne $namespace $.root.Release.Namespace)) }}
{{- fail (printf "the admission policy %s of this cluster belongs to the release %s in namespace %s, and refuses this release's operator: add %q to that release's admissionPolicies.operators, and set admissionPolicies.create=false here" $.name $release $namespace (include "paramsync.username" $.root)) }}
{{- end }}
{{- end }}
{{- end }}
