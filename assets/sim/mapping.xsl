<?xml version = '1.0' encoding = 'UTF-8'?>
<xsl:stylesheet version="2.0" xmlns:xsl="http://www.w3.org/1999/XSL/Transform" \
    xmlns:dvm="http://www.oracle.com/XSL/Transform/java/\
com.bea.wli.sb.functions.dvm.DVMFunctions" \
    xmlns:nstrg="http://xmlns.oracle.com/cloud/adapter/rest/{{target}}_REQUEST/types">
  <xsl:template match="/">
    <nstrg:{{target}}>
{{fields}}    </nstrg:{{target}}>
  </xsl:template>
</xsl:stylesheet>
